"""Links between the pages lead to files and headings that exist."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = (".", "docs", "docs/tutorials", "benchmarks", "datasets", ".github")
PAGES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))


def headings(text):
    """Anchors that headings have: lower case, hyphens for spaces, no other signs."""
    titles = re.findall(r"^#+ +(.+?) *$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page, text):
    """Relative links of a page without a file, or without a heading there."""
    for target in re.findall(
        r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```$|`[^`\n]+`", "", text, flags=re.M | re.S)
    ):
        place, _, anchor = target.partition("#")
        if ":" in place:
            continue
        file = page.parent / place if place else page
        if not file.exists() or (anchor and anchor not in headings(_text(file, page, text))):
            yield target


def _text(file, page, text):
    return text if file == page else file.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert list(broken(page, page.read_text(encoding="utf-8"))) == []


def test_a_broken_link_is_seen():
    text = "# One & two\n[a](README.md) [b](#one--two) [c](https://gone.example) `[f](x)`"
    assert list(broken(ROOT / "README.md", text)) == []
    text += "\n[d](gone.md) [e](#three)"
    assert list(broken(ROOT / "README.md", text)) == ["gone.md", "#three"]


def test_every_page_is_checked():
    try:
        tracked = subprocess.check_output(["git", "-C", str(ROOT), "ls-files", "*.md"], text=True).split()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not in a git repository")
    written = {"benchmarks/accuracy/report.md"}  # by `mlstm-fcn report`
    assert set(tracked) - written == {str(page.relative_to(ROOT)) for page in PAGES}
