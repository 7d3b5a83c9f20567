"""The hooks that make the site of docs/: links that stay inside it, and a reference of every public name.

`mkdocs build --strict` in .ci/run builds it, and fails if a link or a public name is lost.
"""

import ast
import importlib.util
import inspect
import operator
import re
from pathlib import Path

import pytest
import yaml

import mlstm_fcn

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def hook(name):
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def links():
    return hook("links")


@pytest.fixture(scope="module")
def names():
    return hook("names")


@pytest.mark.parametrize(
    ("page", "link", "in_site"),
    [
        ("docs/speed.md", "../benchmarks/speed.csv", "benchmarks/speed.csv"),
        ("docs/speed.md", "guide.md#install", "guide.md#install"),
        ("docs/guide.md", "../examples/emg.py", "examples/emg.py.md"),
        ("docs/tutorials/ship.md", "../production.md", "../production.md"),
        ("docs/tutorials/ship.md", "ship.py", "ship.py.md"),
        ("docs/tutorials/ship.md", "../../datasets/README.md", "../datasets/README.md"),
        ("benchmarks/README.md", "../docs/speed.md", "../speed.md"),
        ("docs/guide.md", "https://example.org/a", "https://example.org/a"),
        ("docs/guide.md", "#install", "#install"),
        ("docs/guide.md", "../gone.csv", "../gone.csv"),  # MkDocs warns of it
    ],
)
def test_a_link_leads_to_the_same_file_in_the_site(links, page, link, in_site):
    text = "[a]({}) `[b](../benchmarks/speed.csv)`\n```\n[c](../benchmarks/speed.csv)\n```\n![d]({})\n"
    assert links.rewritten(text.format(link, link), page) == text.format(in_site, in_site)


def test_files_that_pages_link_to_are_added_with_what_they_link_to(links):
    added = links.linked(["docs/accuracy.md", "docs/tutorials/paper.md"])
    report = "benchmarks/accuracy/report.md"
    assert {report, "docs/tutorials/paper.py", "mlstm_fcn/training/recipes.py"} <= added
    assert "benchmarks/accuracy/report/scatter.svg" in added  # only the report shows it
    assert not any(path.startswith("docs/") and not path.endswith(".py") for path in added)


def test_a_name_that_the_reference_lacks_is_seen(names):
    html = '<h3 id="mlstm_fcn.explain.gates"></h3><a id="mlstm_fcn.export.writing.export">'
    html += '<a id="mlstm_fcn.Engine">'
    public = "mlstm_fcn.Engine(a=1)\nmlstm_fcn.Engine.but(self)\nmlstm_fcn.explain.gates(a)\n"
    public += "mlstm_fcn.explain.lost(a)\nmlstm_fcn.export.export()\nmlstm_fcn.__version__\n"
    assert names.missing(html, public) == ["mlstm_fcn.explain.lost", "mlstm_fcn.__version__"]


def flat(entries):
    for entry in entries:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        yield from flat(value) if isinstance(value, list) else [value]


def test_the_navigation_has_every_page_once():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    assert sorted(flat(config["nav"])) == sorted(pages)
    assert all(re.fullmatch(r"docs/\w+\.py", one) and (ROOT / one).exists() for one in config["hooks"])


def test_the_site_asks_no_other_server():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert config["theme"]["font"] is False
    pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md"))
    assert re.findall(r"!\[[^\]]*\]\((https?:[^)]*)\)|<(?:img|script)[^>]*https?:", pages) == []


def inline_code(page):
    """Code between backticks that is a Python expression or statement."""
    for code in re.findall(r"`([^`\n]+)`", (DOCS / page).read_text(encoding="utf-8")):
        try:
            yield from (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
        except SyntaxError:
            continue


def meant(function):
    """The public object that a call means, or None if it is not this package's."""
    name = ast.unparse(function).replace("classifier.", "MLSTMFCNClassifier.")
    try:
        return operator.attrgetter(name)(mlstm_fcn)
    except AttributeError:
        return None


def wrong(call):
    """Why this package would refuse a call, if it would."""
    target = meant(call.func)
    keywords = {one.arg: one.value for one in call.keywords}
    if target is not None:
        known = inspect.signature(target).parameters
        is_open = any(one.kind is one.VAR_KEYWORD for one in known.values())
        yield from (key for key in keywords if key not in known and not is_open and key)
    if target is not None and isinstance(keywords.get("network"), ast.Constant):
        yield from {keywords["network"].value} - set(mlstm_fcn.models.names())


@pytest.mark.parametrize(("page", "least"), [("howto.md", 25), ("migration.md", 10), ("limits.md", 1)])
def test_one_line_answers_use_existing_names(page, least):
    calls = list(inline_code(page))
    assert [(ast.unparse(call), why) for call in calls for why in wrong(call)] == []
    assert sum(meant(call.func) is not None for call in calls) >= least


@pytest.mark.parametrize(
    ("code", "why"), [("Recipe(speed=1)", "speed"), ('NetworkClassifier(network="a")', "a")]
)
def test_a_wrong_answer_is_seen(code, why):
    assert list(wrong(ast.parse(code).body[0].value)) == [why]
