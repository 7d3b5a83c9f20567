"""The pages of the tutorials are what their scripts make."""

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "tutorials"


def loaded(path):
    spec = importlib.util.spec_from_file_location(f"tutorials_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


render = loaded(FOLDER / "render.py")
SCRIPTS = render.scripts()
NAMES = [path.stem for path in SCRIPTS]

SCRIPT = '''"""Two.

More.
"""

# ## Prose
#
# * a list

x = 2  # a comment of the code
print(x)

# ## The end
'''


def test_a_script_becomes_prose_code_and_results(tmp_path):
    cells = render.cells(SCRIPT)
    assert [cell.prose for cell in cells] == ["# Two\n\nMore.", "## Prose\n\n* a list", "", "## The end"]
    page = render.page(render.executed(cells, "two", tmp_path), "two")
    assert page == (
        "# Two\n\nMore.\n\n## Prose\n\n* a list\n\n"
        "```python\nx = 2  # a comment of the code\nprint(x)\n```\n\n"
        "```text\n2\n```\n\n## The end\n\n[The script of this page](two.py)\n"
    )
    assert render.without_results(page) == render.page(cells, "two")


def test_what_a_script_draws_is_a_small_file(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    code = '"""One."""\n\nimport matplotlib.pyplot as plt\n\nplt.plot([1, 2])\n'
    (_, drawn) = render.executed(render.cells(code), "one", tmp_path)
    assert drawn.figures == ("one-1.png",)
    assert (tmp_path / "one-1.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "one-1.png").stat().st_size < 20_000


@pytest.mark.parametrize("path", SCRIPTS, ids=NAMES)
def test_a_page_agrees_with_its_script(path):
    """After a change of a script, `python docs/tutorials/render.py` must make its page again."""
    page = path.with_suffix(".md").read_text(encoding="utf-8")
    cells = render.cells(path.read_text(encoding="utf-8"))
    assert render.without_results(page) == render.page(cells, path.stem)
    assert page.count("```text") >= 3
    assert all(f"]({path.stem}.md)" in (FOLDER / "index.md").read_text(encoding="utf-8") for path in SCRIPTS)


def test_every_figure_is_shown_and_small():
    pages = "".join(path.with_suffix(".md").read_text(encoding="utf-8") for path in SCRIPTS)
    figures = list((FOLDER / "figures").iterdir())
    assert len(figures) >= 5
    assert [figure.name for figure in figures if f"](figures/{figure.name})" not in pages] == []
    assert [figure.name for figure in figures if figure.stat().st_size > 100_000] == []


def results(page):
    """How many texts and figures a page has."""
    return page.count("```text\n"), page.count("](figures/")


def runs(name, tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr(sys, "argv", [name])
    path = FOLDER / f"{name}.py"
    cells = render.executed(render.cells(path.read_text(encoding="utf-8")), name, tmp_path)
    page = path.with_suffix(".md").read_text(encoding="utf-8")
    assert results(render.page(cells, name)) == results(page)
    return render.page(cells, name), page


def test_the_tutorial_on_the_paper_runs_and_prints_the_same(tmp_path, monkeypatch):
    """It trains nothing, so its numbers do not depend on the machine, but for rounding."""
    made, page = (
        [line for line in text.splitlines() if "e-0" not in line]
        for text in runs("paper", tmp_path, monkeypatch)
    )
    assert made == page


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", [name for name in NAMES if name != "paper"])
def test_the_other_tutorials_run(name, tmp_path, monkeypatch):
    runs(name, tmp_path, monkeypatch)
