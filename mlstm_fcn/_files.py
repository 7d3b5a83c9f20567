"""Files that are whole or absent."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex


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
