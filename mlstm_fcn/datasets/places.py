"""Find the files of a data set.

The search order is:

1. The folder given by the user, or `MLSTM_FCN_DATA`.
2. The cache: `MLSTM_FCN_CACHE`, or the system's cache folder of the user.
3. The data sets that the installed sktime ships.
4. The mirror `MLSTM_FCN_MIRROR`, if it is a folder.
5. Downloads into the cache: from the mirror, if it is a URL, then Zenodo, then the archive's website.

A folder holds a data set in a subfolder named after it, directly, or as `<Name>.zip`. What a user put into a
folder or a mirror is read or refused: no later place answers for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from mlstm_fcn import _archives as archives
from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.datasets import catalogue, fetch
from mlstm_fcn.datasets.formats import SUFFIXES, Source

SPLITS = ("train", "test")
_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")


def find(name: str, folder: Path | str | None = None, offline: bool = False) -> dict[str, Source]:
    """Find the files of a data set in the first place that has both splits.

    Args:
        name: The data set.
        folder: The folder to search first. If not given, `MLSTM_FCN_DATA`.
        offline: Never download.

    Returns:
        The files for `"train"` and `"test"`.

    Raises:
        FileNotFoundError: If the data set is not on this machine and `offline` is set.
        FetchError: If every download failed.
        ValueError: If no data set has this name, an archive is damaged or unsafe, or a folder or mirror of
            the user has some files of the data set, but not both.
    """
    fits = isinstance(name, str) and _NAME.fullmatch(name)
    require(bool(fits), "The name of a data set must consist of letters, digits and ._+- only.", name=name)
    folders = _folders(folder)
    for place in folders:
        try:
            if found := _both_parts(place, name):
                return found
        except archives.UnsafeArchiveError:
            if place != cache_folder() or offline:
                raise
        if place not in (cache_folder(), shipped()):
            _require_no_pieces(place, name)
    searched = ", ".join(map(str, folders))
    if "://" not in (fetch.mirror() or ""):
        _require_known(name, folders, searched)
    if offline:
        raise FileNotFoundError(
            f"{name} is not on this machine, and offline=True forbids a download. Searched: {searched}"
        )
    return _in_archive(fetch.fetch(name, cache_folder(), lambda path: _require_parts(path, name)), name)


def _require_no_pieces(place: Path, name: str) -> None:
    """Raise if a folder of the user has a file of the data set, but not both files in one folder."""
    file = re.compile(rf"{re.escape(name)}(_(train|test)\..*|\.zip)", re.IGNORECASE)
    inside = re.compile(rf"{file.pattern}|[xy]_(train|test)\..*", re.IGNORECASE)
    found = [
        str(path)
        for folder, pattern in ((place, file), (place / name, inside))
        for path in (sorted(folder.iterdir()) if folder.is_dir() else ())
        if pattern.fullmatch(path.name) and path.is_file()
    ]
    rule = f"{_wanted(name)}, must be in one folder or zip archive. Complete or remove what is there."
    require(not found, rule, found=found)


def _wanted(name: str) -> str:
    return f"{name}_TRAIN and {name}_TEST, as one of {', '.join(SUFFIXES)}"


def _require_known(name: str, folders: list[Path], searched: str) -> None:
    """Raise for a name that is not in the catalogue. Report it if only one of its two files was found."""
    if name in catalogue.names():
        return
    one = [str(path) for place in folders for path in sorted(place.glob(f"**/{name}_T[ER]*"))]
    require(not one, f"{name}_TRAIN and {name}_TEST must be in the same folder.", found=one)
    try:
        require_choice("dataset", name, catalogue.names())
    except ValueError as error:
        raise ValueError(f"{error}. No such files were found in {searched} either.") from None


def _require_parts(path: Path, name: str) -> None:
    if not _in_archive(path, name):
        raise archives.UnsafeArchiveError(f"{path.name} does not contain {_wanted(name)}")


def here(folder: Path | str | None = None) -> list[str]:
    """List the data sets of the catalogue that need no download."""
    folders = _folders(folder)
    return [name for name in catalogue.names() if any(_is_in(place, name) for place in folders)]


def _is_in(place: Path, name: str) -> bool:
    try:
        return bool(_both_parts(place, name))
    except archives.UnsafeArchiveError:
        return False


def cache_folder() -> Path:
    """The cache folder, for downloads and parsed arrays."""
    if given := os.environ.get("MLSTM_FCN_CACHE"):
        return Path(given).expanduser()
    import pooch

    return Path(pooch.os_cache("mlstm_fcn"))


@cache
def shipped() -> Path | None:
    """The folder of the data sets that sktime ships. sktime itself is not imported."""
    sktime = find_spec("sktime")
    return Path(sktime.origin).parent / "datasets" / "data" if sktime and sktime.origin else None


def _folders(first: Path | str | None) -> list[Path]:
    """The folders to search before any download, in order."""
    require(first is None or Path(first).expanduser().is_dir(), "`folder` must be a folder.", folder=first)
    mirror = fetch.mirror()
    mirrored = mirror if mirror and "://" not in mirror else None
    places = (first or os.environ.get("MLSTM_FCN_DATA"), cache_folder(), shipped(), mirrored)
    return [Path(place).expanduser() for place in places if place]


def _both_parts(place: Path, name: str) -> dict[str, Source]:
    """Both files, from the data set's subfolder of `place`, from `place` itself, or from an archive in it."""
    return (
        _in_folder(place / name, name) or _in_folder(place, name) or _in_archive(place / f"{name}.zip", name)
    )


def _in_folder(folder: Path, name: str) -> dict[str, Source]:
    def look(file: str) -> Source | None:
        return Source(folder / file) if (folder / file).is_file() else None

    return _parts(look, name, with_arrays=folder.name == name)


def _in_archive(path: Path, name: str) -> dict[str, Source]:
    """Both files from one folder of an archive, the shallowest that has both."""
    members = [PurePosixPath(member) for member in archives.members(path)] if path.is_file() else []
    for folder in sorted({member.parent for member in members}, key=lambda folder: len(folder.parts)):
        files = {member.name: Source(path, str(member)) for member in members if member.parent == folder}
        if found := _parts(files.get, name, with_arrays=True):
            return found
    return {}


def _parts(look: Callable[[str], Source | None], name: str, with_arrays: bool) -> dict[str, Source]:
    """Both files, or an empty dictionary. `.npy` files count only in a folder or archive of the data set."""
    found = {}
    for split in SPLITS:
        wanted = [f"{name}_{split.upper()}{suffix}" for suffix in SUFFIXES if suffix != ".npy"]
        wanted += [f"X_{split}.npy"] if with_arrays else []
        if source := next((source for file in wanted if (source := look(file))), None):
            found[split] = source
    return found if len(found) == len(SPLITS) else {}
