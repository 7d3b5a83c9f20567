"""Blocks of a document are text in HTML and in Markdown, in columns that can all be seen."""

import re
from html import escape

from mlstm_fcn._document import Code, Figure, Heading, Paragraph, Table, to_html, to_markdown


def test_long_texts_take_several_lines_so_that_the_next_column_is_seen():
    rows = [
        ["a protocol of a paper whose name is long", "x"],
        ["0.5", "a source of figures that is long too, of a paper"],
    ]
    html, markdown = (
        to_html("t", [Table(["by", "of"], rows)]),
        to_markdown("t", [Table(["by", "of"], rows)], ""),
    )
    assert html.count('<td class="text">') == 2
    assert '<th>by</th><th class="text">of</th>' in html
    assert "| --- | --- |" in markdown
    assert re.search(r"td.text { white-space: normal;", html)


def test_blocks_are_escaped():
    blocks = [
        Heading("<h>"),
        Paragraph("a & b"),
        Code("<c>"),
        Table(["<t>"], [["x|y"]]),
        Figure("f", "<f>", "<svg/>"),
    ]
    html = to_html("<title>", blocks)
    for raw in ("<h>", "<c>", "<t>", "<f>", "<title></title>"):
        assert raw not in html
        assert escape(raw) in html or raw == "<title></title>"
    assert "a &amp; b" in html
    assert "x\\|y" in to_markdown("t", blocks, "figures")
