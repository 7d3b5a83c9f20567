"""Download data sets into the cache.

A data set is one file in the cache, `<Name>.zip`, which is read without unpacking. It is downloaded to a
temporary folder, checked, and then moved into place. So the cache never holds a partial archive, even if a
download is killed or two processes fetch the same data set.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from mlstm_fcn import _archives as archives
from mlstm_fcn.datasets import catalogue, transfer
from mlstm_fcn.datasets.partial import partial_folder

ZENODO = "https://zenodo.org"
SITE = "https://timeseriesclassification.com/aeon-toolkit"


class FetchError(OSError):
    """A data set could not be downloaded. The message has one line per source tried."""


def mirror() -> str | None:
    """The mirror in `MLSTM_FCN_MIRROR`: a folder or a URL that holds `<Name>.zip`."""
    return transfer.without_file_scheme(os.environ.get("MLSTM_FCN_MIRROR", "")) or None


def fetch(name: str, cache: Path, require_parts: Callable[[Path], None]) -> Path:
    """Download a data set into the cache.

    The sources, in order, are the mirror, Zenodo and the archive's website. Zenodo publishes MD5 checksums.
    For the other sources, the first download records its SHA-256 in `<Name>.zip.sha256`. A later download
    from the same source with another checksum is rejected.

    Args:
        name: The data set.
        cache: The folder for `<Name>.zip`. It is created if it does not exist.
        require_parts: Raises `UnsafeArchiveError` if an archive does not contain the data set.

    Returns:
        The archive.

    Raises:
        FetchError: If no source gave a complete, safe archive, or if the cache is not writable.
    """
    target = cache / f"{name}.zip"
    failures = []
    try:
        with partial_folder(cache) as folder:
            for place, download in _sources(name):
                try:
                    made = download(folder)
                    archives.require_whole(made)
                    require_parts(made)
                    if place != ZENODO:
                        _require_same_as_before(made, target, place)
                    made.replace(target)
                    return target
                except (transfer.TransferError, archives.UnsafeArchiveError) as error:
                    failures.append(f"  {place}: {error}")
    except OSError as error:
        raise FetchError(f"{name} could not be written to {cache}: {error}") from error
    advice = f"Put {name}.zip into a folder and set MLSTM_FCN_DATA to that folder."
    raise FetchError("\n".join([f"{name} could not be downloaded. {advice}", *failures]))


def _sources(name: str) -> Iterator[tuple[str, Callable[[Path], Path]]]:
    """The sources in order, each with a function that downloads the archive into a folder."""

    def zip_from(base: str) -> Callable[[Path], Path]:
        return lambda folder: transfer.download(f"{base.rstrip('/')}/{name}.zip", folder / f"{name}.zip")

    base = mirror()
    if base and "://" in base:
        yield re.sub(r"//[^/@]*@", "//", base), zip_from(base)
    known = catalogue.describe(name) if name in catalogue.names() else None
    if known and known.zenodo:
        record = known.zenodo
        yield ZENODO, lambda folder: _from_zenodo(name, record, folder)
    if known:
        yield SITE, zip_from(SITE)


def _from_zenodo(name: str, record: str, folder: Path) -> Path:
    """Make an archive of the record's two files, after comparing their published checksums."""
    about = transfer.read_json(f"{ZENODO}/api/records/{record}")
    made = folder / f"{name}.zip"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in (f"{name}_TRAIN.ts", f"{name}_TEST.ts"):
            try:
                file = next(file for file in about["files"] if file["key"] == part)
                url, checksum = str(file["links"]["self"]), str(file["checksum"])
            except (KeyError, TypeError, StopIteration):
                raise transfer.TransferError(f"record {record} has no {part} with a checksum") from None
            archive.write(transfer.download(url, folder / part, checksum), part)
    return made


def _require_same_as_before(made: Path, target: Path, place: str) -> None:
    """Compare an archive with the recorded SHA-256 of its source; record it if this is the first download."""
    note = target.with_name(f"{target.name}.sha256")
    received = transfer.sha256(made)
    lines = note.read_text().splitlines() if note.exists() else []
    known = [line.partition("  ")[0] for line in lines if line.partition("  ")[2] == place]
    if not known:
        partial = made.with_name(note.name)
        partial.write_text("\n".join([*lines, f"{received}  {place}"]) + "\n")
        partial.replace(note)
    elif known[0] != received:
        raise archives.UnsafeArchiveError(
            f"its SHA-256 is {received}, but the first download had {known[0]}. "
            f"If the data set was changed on purpose, delete {note}."
        )
