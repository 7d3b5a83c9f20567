"""A self-contained page as a list of blocks, rendered as HTML or Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_LONG = 40  # characters of a cell

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; margin: 1rem 0; }
table { font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #8884; }
td { white-space: nowrap; }
th:first-child, td:first-child, .text { text-align: left; }
td.text { white-space: normal; min-width: 16rem; max-width: 40rem; overflow-wrap: anywhere; }
figure { display: inline-block; vertical-align: top; margin: 1rem 1rem 0 0; max-width: 100%; }
figure { background: white; color: black; }
figure svg, figure img { display: block; max-width: 100%; height: auto; }
figcaption { padding: .2rem .7rem; contain: inline-size; }
pre { overflow-x: auto; background: #8882; padding: .7rem; }
@media (max-width: 40rem) {
  body { margin: 1rem auto; }
  th, td { padding: .2rem .4rem; }
  td.text { min-width: 8rem; }
}
"""


@dataclass(frozen=True)
class Heading:
    """A heading."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True)
class Table:
    """A table; `bold` holds the `(row, column)` of the cells in bold, counted from 0."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    bold: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Figure:
    """A drawing: an SVG element, or an `img` element that holds its data.

    The Markdown page links to the file `<name>.svg`.
    """

    name: str
    caption: str
    drawing: str


@dataclass(frozen=True)
class Code:
    """Preformatted text."""

    text: str


Block = Heading | Paragraph | Table | Figure | Code


def to_html(title: str, blocks: Sequence[Block]) -> str:
    """Render a self-contained HTML page."""
    body = "\n".join(map(_html, blocks))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def to_markdown(title: str, blocks: Sequence[Block], figures: str) -> str:
    """Render a Markdown page; its drawings are `<name>.svg` in the folder `figures`."""
    return "\n\n".join([f"# {title}", *(_markdown(block, figures) for block in blocks)]) + "\n"


def _html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{escape(text)}</h2>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Code(text):
            return f"<pre>{escape(text)}</pre>"
        case Figure(_, caption, drawing):
            return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"
        case Table(header, rows, bold):
            kinds = [' class="text"' if text else "" for text in _texts(header, rows)]
            head = "".join(f"<th{kind}>{escape(cell)}</th>" for kind, cell in zip(kinds, header, strict=True))
            lines = [
                "".join(
                    f"<td{kinds[j]}><b>{escape(cell)}</b></td>"
                    if (i, j) in bold
                    else f"<td{kinds[j]}>{escape(cell)}</td>"
                    for j, cell in enumerate(row)
                )
                for i, row in enumerate(rows)
            ]
            body = "\n".join(f"<tr>{line}</tr>" for line in lines)
            return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _markdown(block: Block, figures: str) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Paragraph(text):
            return text
        case Code(text):
            return f"```\n{text}\n```"
        case Figure(name, caption, _):
            return f"![{caption}]({figures}/{name}.svg)\n\n{caption}"
        case Table(header, rows, bold):
            _, *others = _texts(header, rows)
            lines = [list(header), ["---", *("---" if text else "---:" for text in others)]]
            for i, row in enumerate(rows):
                lines.append([f"**{cell}**" if (i, j) in bold else cell for j, cell in enumerate(row)])
            return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _texts(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[bool]:
    """Whether each column holds a text so long that it needs several lines."""
    return [any(len(row[j]) > _LONG for row in rows) for j, _ in enumerate(header)]


def _cell(text: str) -> str:
    """Text on one line, with `|` escaped."""
    return " ".join(text.split()).replace("|", "\\|")
