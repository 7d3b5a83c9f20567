"""The reference shows every public name: a hook of MkDocs, which warns of those that are missing."""

import logging
import re
from pathlib import Path
from typing import Any

PUBLIC = Path(__file__).parent.parent / "tests" / "public_api.txt"
LOGGER = logging.getLogger("mkdocs.hooks.names")


def missing(html: str, names: str) -> list[str]:
    """Public names that a page does not show.

    A method is shown with its class. A function may be shown under the name of the module that has it.
    """
    shown = re.findall(r'id="(mlstm_fcn[\w.]+)"', html)
    places = {(one.rpartition(".")[0], one.rpartition(".")[2]) for one in shown}
    parts = [line.partition("(")[0].rpartition(".") for line in names.splitlines()]
    classes = {f"{place}.{name}" for place, _, name in parts}
    return [
        f"{place}.{name}"
        for place, _, name in parts
        if place not in classes
        and not any(last == name and f"{module}.".startswith(f"{place}.") for module, last in places)
    ]


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Warn of public names that the reference does not show; `--strict` makes an error of it."""
    if page.file.src_uri == "reference.md":
        for name in missing(html, PUBLIC.read_text(encoding="utf-8")):
            LOGGER.warning(f"reference.md does not show the public name {name}")
    return html
