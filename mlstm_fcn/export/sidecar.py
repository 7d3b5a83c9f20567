"""What stands beside an artifact: `<artifact>.json`, all that its runtime does not know."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlstm_fcn import __version__
from mlstm_fcn._checks import require
from mlstm_fcn._files import write_text

FORMAT = 1
_NEEDED = ("format", "kind", "channels", "length", "labels", "files", "crc")


def path_of(artifact: Path) -> Path:
    """Where the description of an artifact is."""
    return artifact.with_name(f"{artifact.name}.json")


def write(artifact: Path, files: Iterable[Path], about: dict[str, Any]) -> None:
    """Describe an artifact: `about`, the SHA-256 of its files, and a check sum of the description itself."""
    sums = {file.relative_to(artifact.parent).as_posix(): sha256(file) for file in files}
    values = {"format": FORMAT, "version": __version__, **about, "files": sums}
    values["crc"] = _crc(values)
    write_text(path_of(artifact), json.dumps(values, indent=1) + "\n")


def read(artifact: Path) -> dict[str, Any]:
    """The description of an artifact, whose files are those that it describes.

    This tells damage and mistakes. It is no signature: who can write both files can make them agree.

    Raises:
        FileNotFoundError: If one of the files is missing.
        ValueError: If one of them was changed, or the description is no such.
    """
    path = path_of(artifact)
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    complete = isinstance(about, dict) and all(name in about for name in _NEEDED)
    require(complete, f"{path} must describe an artifact: {', '.join(_NEEDED)}.")
    rule = f"{path} is of a format that version {__version__} does not read."
    require(about["format"] == FORMAT, rule, format=about["format"], written_by=about.get("version"))
    require(about.pop("crc") == _crc(about), f"{path} was changed after it was written.")
    sums = about["files"]
    rule, there = f"{path} must describe the files of {artifact.name}, and no others.", _files_of(artifact)
    require(isinstance(sums, dict) and set(sums) == there, rule, described=list(sums)[:5])
    for name, expected in sums.items():
        received = sha256(artifact.parent / name)
        rule = f"{artifact.parent / name} is not the file that was exported."
        require(received == expected, rule, sha256=received, expected=expected)
    return about


def _files_of(artifact: Path) -> set[str]:
    if artifact.is_dir():
        return {f.relative_to(artifact.parent).as_posix() for f in artifact.rglob("*") if f.is_file()}
    return {artifact.name} | ({artifact.with_suffix(".bin").name} if artifact.suffix == ".xml" else set())


def sha256(path: Path) -> str:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _crc(values: dict[str, Any]) -> int:
    kept = {name: value for name, value in values.items() if name != "crc"}
    return zlib.crc32(json.dumps(kept, sort_keys=True).encode())
