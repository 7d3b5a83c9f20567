"""The manifest of an artifact, `<artifact>.json`: labels, shapes, versions and checksums."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mlstm_fcn import __version__
from mlstm_fcn._archives import MAX_JSON
from mlstm_fcn._checks import require, require_choice
from mlstm_fcn._files import crc, write_text
from mlstm_fcn.export.formats import FORMATS

FORMAT_VERSION = 1
_REQUIRED = ("format", "kind", "channels", "length", "labels", "files", "crc")
_MOST_VALUES = 2**24  # of one series
_RULES: dict[str, Callable[[Any], bool]] = {
    "kind": lambda kind: isinstance(kind, str),
    "channels": lambda channels: _is_size(channels),
    "length": lambda length: length is None or _is_size(length),
    "labels": lambda labels: labels is None or _all_plain(labels),
    "thresholds": lambda values: values is None or _all_plain(values),
    "files": lambda files: isinstance(files, dict),
    "any_length": lambda flag: isinstance(flag, bool),
    "missing": lambda missing: missing is None or isinstance(missing, str),
}
"""What entries must be, if the manifest has them."""


def path_of(artifact: Path) -> Path:
    """Path of an artifact's manifest."""
    return artifact.with_name(f"{artifact.name}.json")


def write(artifact: Path, files: Iterable[Path], about: dict[str, Any]) -> None:
    """Write a manifest.

    Args:
        artifact: The artifact.
        files: All files of the artifact, in its folder or below; the manifest lists their SHA-256 sums.
        about: Further entries, in values that JSON can hold.
    """
    sums = {file.relative_to(artifact.parent).as_posix(): sha256(file) for file in files}
    values = {"format": FORMAT_VERSION, "version": __version__, **about, "files": sums}
    values["crc"] = crc(values)
    write_text(path_of(artifact), json.dumps(values, indent=1) + "\n")


def read(artifact: Path) -> dict[str, Any]:
    """Read a manifest, and verify the artifact's files against it.

    The checksums detect damage and mix-ups. They are no signature: whoever can write both files can make
    them agree.

    Returns:
        The entries of the manifest, without its own checksum.

    Raises:
        FileNotFoundError: If the manifest or a file of the artifact is missing.
        ValueError: If the manifest is invalid, or a file was changed.
    """
    path = path_of(artifact)
    about = _parsed(path)
    rule = f"{path} must have manifest format {FORMAT_VERSION}; read it with the version that wrote it."
    require(about["format"] == FORMAT_VERSION, rule, format=about["format"], written_by=about.get("version"))
    unchanged = _has_its_sum(about)
    require(unchanged, f"{path} was changed after the export; export again.")
    del about["crc"]
    rule = f"{path} must be a valid manifest; export again."
    for name, is_valid in _RULES.items():
        require(name not in about or is_valid(about[name]), rule, **{name: about.get(name)})
    n_values = about["channels"] * (about["length"] or 1)
    require(n_values <= _MOST_VALUES, rule, channels=about["channels"], length=about["length"])
    require_choice("kind", about["kind"], FORMATS)
    expected_files = FORMATS[about["kind"]].files(artifact)
    names = {file.relative_to(artifact.parent).as_posix() for file in expected_files}
    rule = f"{path} must list exactly the files of {artifact.name}."
    require(set(about["files"]) == names, rule, listed=list(about["files"])[:5])
    for name, expected in about["files"].items():
        received = sha256(artifact.parent / name)
        rule = f"{artifact.parent / name} was changed after the export; export again."
        require(received == expected, rule, sha256=received, expected=expected)
    return about


def exists(artifact: Path) -> bool:
    """Whether an artifact has a manifest that `export` wrote, in any version."""
    try:
        return _has_its_sum(_parsed(path_of(artifact)))
    except (OSError, ValueError):
        return False


def _has_its_sum(about: dict[str, Any]) -> bool:
    return bool(about["crc"] == crc(about))


def _is_size(value: Any) -> bool:
    return type(value) is int and value > 0


def _all_plain(labels: Any) -> bool:
    return isinstance(labels, list) and all(isinstance(label, str | int | float) for label in labels)


def _parsed(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    require(size <= MAX_JSON, f"{path} must have at most {MAX_JSON} bytes.", size=size)
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    complete = isinstance(about, dict) and all(name in about for name in _REQUIRED)
    require(complete, f"{path} must be a manifest with the entries {', '.join(_REQUIRED)}.")
    entries: dict[str, Any] = about
    return entries


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
