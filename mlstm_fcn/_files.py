"""Files that are whole or absent."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


def write_text(path: Path, text: str) -> None:
    """Write a text whole, in UTF-8; the folders that it needs are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def written_whole(path: Path, suffix: str = "") -> Iterator[Path]:
    """A temporary name beside `path` to write to; it takes the place of `path` at the end, or leaves nothing.

    Args:
        path: The file; one that is there is replaced in one step.
        suffix: The end of the temporary name, for those who go by it.
    """
    partial = path.with_name(f".{path.name}.{token_hex(4)}{suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
