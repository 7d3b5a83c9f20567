"""Where the files of a data set may be, and in which order these places are looked at.

1. A folder that the user gives, or `MLSTM_FCN_DATA`.
2. The cache: `MLSTM_FCN_CACHE`, or the user's cache folder of the system.
3. What the installed sktime ships.
4. The mirror `MLSTM_FCN_MIRROR`, where it is a folder.
5. Downloads, which fill the cache: from the mirror where it is a URL, from Zenodo, from the archive's site.

A folder holds the files of a data set in a folder of its name, or directly, or as `<Name>.zip`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.datasets import archives, catalogue, fetch
from mlstm_fcn.datasets.formats import SUFFIXES, Source

SPLITS = ("train", "test")
_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")


def find(name: str, folder: Path | str | None = None, offline: bool = False) -> dict[str, Source]:
    """The files of a data set, from the first place that has both parts of it.

    Args:
        name: The data set.
        folder: A folder to look into first; None for `MLSTM_FCN_DATA`.
        offline: Download nothing.

    Returns:
        For `"train"` and `"test"` the file.

    Raises:
        FileNotFoundError: If it is nowhere here, and nothing may be downloaded.
        FetchError: If no download worked.
        ValueError: If there is no data set of that name, or an archive is refused.
    """
    require(
        bool(_NAME.fullmatch(name)), "The name of a data set has only letters, digits and ._+-", name=name
    )
    folders = _folders(folder)
    for place in folders:
        if found := _both_parts(place, name):
            return found
    if not fetch.mirror():
        require_choice("name", name, catalogue.names())
    if offline:
        searched = ", ".join(map(str, folders))
        raise FileNotFoundError(
            f"{name} is not here, and offline=True forbids a download. Searched: {searched}"
        )
    archive = fetch.fetch(name, cache_folder())
    found = _both_parts(archive.parent, name)
    require(bool(found), f"{archive} must hold {name}_TRAIN and {name}_TEST as one of {', '.join(SUFFIXES)}.")
    return found


def here(folder: Path | str | None = None) -> list[str]:
    """Names of the data sets of the catalogue that need no download."""
    folders = _folders(folder)
    return [name for name in catalogue.names() if any(_both_parts(place, name) for place in folders)]


def cache_folder() -> Path:
    """The folder for downloads and for arrays that were read before."""
    if given := os.environ.get("MLSTM_FCN_CACHE"):
        return Path(given).expanduser()
    import pooch

    return Path(pooch.os_cache("mlstm_fcn"))


@cache
def shipped() -> Path | None:
    """The folder of the data sets that sktime ships; finding it does not import sktime."""
    sktime = find_spec("sktime")
    return Path(sktime.origin).parent / "datasets" / "data" if sktime and sktime.origin else None


def _folders(first: Path | str | None) -> list[Path]:
    """The places without a download, in order; a mirror that is a folder is the last."""
    mirror = fetch.mirror()
    mirrored = mirror if mirror and "://" not in mirror else None
    places = (first or os.environ.get("MLSTM_FCN_DATA"), cache_folder(), shipped(), mirrored)
    return [Path(place).expanduser() for place in places if place]


def _both_parts(place: Path, name: str) -> dict[str, Source]:
    for exists in (_in_folder(place / name), _in_folder(place), _in_archive(place / f"{name}.zip")):
        found = {split: source for split in SPLITS if (source := _part(exists, name, split))}
        if len(found) == len(SPLITS):
            return found
    return {}


def _part(look: Callable[[str], Source | None], name: str, split: str) -> Source | None:
    wanted = [f"{name}_{split.upper()}{suffix}" for suffix in SUFFIXES if suffix != ".npy"]
    return next((source for file in wanted if (source := look(file))), None) or look(f"X_{split}.npy")


def _in_folder(folder: Path) -> Callable[[str], Source | None]:
    return lambda file: Source(folder / file) if (folder / file).is_file() else None


def _in_archive(path: Path) -> Callable[[str], Source | None]:
    members = archives.members(path) if path.is_file() else []
    by_name = {PurePosixPath(member).name: member for member in reversed(members)}
    return lambda file: Source(path, by_name[file]) if file in by_name else None
