"""Atomic writes, and checksums of JSON values."""

import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text atomically. Missing parent folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def written_whole(path: Path, suffix: str = "") -> Iterator[Path]:
    """Write a file atomically: yield a temporary path in the same folder, then rename it to `path`.

    On an error the temporary file is removed and `path` is left as it was.

    Args:
        path: The file. An existing one is replaced.
        suffix: Suffix of the temporary name, for writers that require one.

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
    """A checksum of JSON values. The key `"crc"`, which stores the checksum, is excluded."""
    kept = {name: value for name, value in values.items() if name != "crc"}
    return zlib.crc32(json.dumps(kept, sort_keys=True).encode())
