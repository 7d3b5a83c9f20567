"""Files that are whole or absent, and tell when they were changed."""

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any


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

    Raises:
        FileNotFoundError: If the folder does not exist.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder of {path} does not exist.")
    partial = path.with_name(f".{path.name}.{token_hex(4)}{suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def crc(values: dict[str, Any]) -> int:
    """A check sum of values that JSON can hold, without that of the name `"crc"`, where it is to be kept."""
    kept = {name: value for name, value in values.items() if name != "crc"}
    return zlib.crc32(json.dumps(kept, sort_keys=True).encode())
