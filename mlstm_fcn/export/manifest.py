"""What stands beside an artifact: `<artifact>.json`, all that its runtime does not know."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlstm_fcn import __version__
from mlstm_fcn._checks import require
from mlstm_fcn._files import crc, write_text

FORMAT = 1
_NEEDED = ("format", "kind", "channels", "length", "labels", "files", "crc")
_KINDS: dict[str, tuple[type, ...]] = {
    "channels": (int,),
    "length": (int, type(None)),
    "labels": (list, type(None)),
}


def path_of(artifact: Path) -> Path:
    """Where the description of an artifact is."""
    return artifact.with_name(f"{artifact.name}.json")


def write(artifact: Path, files: Iterable[Path], about: dict[str, Any]) -> None:
    """Describe an artifact: `about`, the SHA-256 of its files, and a check sum of the description itself."""
    sums = {file.relative_to(artifact.parent).as_posix(): sha256(file) for file in files}
    values = {"format": FORMAT, "version": __version__, **about, "files": sums}
    values["crc"] = crc(values)
    write_text(path_of(artifact), json.dumps(values, indent=1) + "\n")


def read(artifact: Path) -> dict[str, Any]:
    """The description of an artifact, whose files are those that it describes.

    This tells damage and mistakes. It is no signature: who can write both files can make them agree.

    Raises:
        FileNotFoundError: If one of the files is missing.
        ValueError: If one of them was changed, or the description is no such.
    """
    path = path_of(artifact)
    about = _parsed(path)
    rule = f"{path} is of a format that version {__version__} does not read."
    require(about["format"] == FORMAT, rule, format=about["format"], written_by=about.get("version"))
    require(about.pop("crc") == crc(about), f"{path} was changed after it was written.")
    for name, kinds in _KINDS.items():
        require(isinstance(about[name], kinds), f"{path} must describe an artifact.", **{name: about[name]})
    sums = about["files"]
    rule, there = f"{path} must describe the files of {artifact.name}, and no others.", _files_of(artifact)
    require(isinstance(sums, dict) and set(sums) == there, rule, described=list(sums)[:5])
    for name, expected in sums.items():
        received = sha256(artifact.parent / name)
        rule = f"{artifact.parent / name} is not the file that was exported."
        require(received == expected, rule, sha256=received, expected=expected)
    return about


def describes(artifact: Path) -> bool:
    """Whether there is a description that an export wrote, of whatever version."""
    try:
        about = _parsed(path_of(artifact))
    except (OSError, ValueError):
        return False
    return bool(about["crc"] == crc(about))


def _parsed(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    complete = isinstance(about, dict) and all(name in about for name in _NEEDED)
    require(complete, f"{path} must describe an artifact: {', '.join(_NEEDED)}.")
    described: dict[str, Any] = about
    return described


def _files_of(artifact: Path) -> set[str]:
    if artifact.is_dir():
        return {f.relative_to(artifact.parent).as_posix() for f in artifact.rglob("*") if f.is_file()}
    return {artifact.name} | ({artifact.with_suffix(".bin").name} if artifact.suffix == ".xml" else set())


def sha256(path: Path) -> str:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
