"""Files outside of docs/ that a page links to are part of the site: a hook of MkDocs.

On GitHub, `../benchmarks/speed.csv` leads from docs/speed.md to the file. In the site, docs/ is the root, so
the file is copied to `benchmarks/speed.csv` there, and the link is written as `benchmarks/speed.csv`. Another
Markdown file becomes a page, and so does a Python file, with its source.
"""

import posixpath
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
CODE = re.compile(r"^(```+).*?^\1$|`[^`\n]+`", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()[^)\s:#]+")


def place(path: str) -> str:
    """Where a file of the repository is in the site."""
    return path.removeprefix("docs/") + (".md" if path.endswith(".py") else "")


def mapped(text: str, page: str, change: Callable[[str, str], str]) -> str:
    """A page whose relative links are changed; `change` gets the link and the file of the repository.

    Links in code are left alone.
    """

    def link(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), found[0]))
        return change(found[0], path) if (ROOT / path).is_file() else found[0]

    parts, end = [], 0
    for code in CODE.finditer(text):
        parts += [LINK.sub(link, text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, LINK.sub(link, text[end:])])


def rewritten(text: str, page: str) -> str:
    """A page whose links lead to places in the site."""
    start = posixpath.dirname(place(page)) or "."
    return mapped(text, page, lambda _, path: posixpath.relpath(place(path), start))


def linked(pages: Iterable[str]) -> set[str]:
    """Files that must be added to the site, since pages link to them, or pages among them do."""
    found: set[str] = set()
    waiting = list(pages)

    def note(link: str, path: str) -> str:
        if path not in found and (not path.startswith("docs/") or path.endswith(".py")):
            found.add(path)
            waiting.extend([path] if path.endswith(".md") else [])
        return link

    while waiting:
        page = waiting.pop()
        mapped((ROOT / page).read_text(encoding="utf-8"), page, note)
    return found


def on_files(files: Any, config: Any) -> Any:
    """Add the files that pages link to."""
    from mkdocs.structure.files import File, InclusionLevel

    for path in sorted(linked(f"docs/{file.src_uri}" for file in files.documentation_pages())):
        content: dict[str, Any] = {"abs_src_path": str(ROOT / path)}
        if path.endswith(".py"):
            source = (ROOT / path).read_text(encoding="utf-8")
            content = {"content": f"# {path}\n\n````python\n{source}````\n"}
        file = File.generated(config, place(path), inclusion=InclusionLevel.NOT_IN_NAV, **content)
        file.edit_uri = path  # its place in the repository
        files.append(file)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Write links for the site."""
    path = page.file.edit_uri if page.file.generated_by else f"docs/{page.file.src_uri}"
    return rewritten(markdown, path)
