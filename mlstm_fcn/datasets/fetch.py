"""From the places that publish data sets to archives in the cache.

A data set becomes one file, `<Name>.zip`, in the cache, and is read there without being unpacked. It is
downloaded into a folder of its own, checked, and moved into place last; so the cache holds whole
archives or nothing, also where a download is killed, or two processes want the same data set.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from mlstm_fcn.datasets import archives, catalogue, transfer
from mlstm_fcn.datasets.partial import partial_folder

ZENODO = "https://zenodo.org"
SITE = "https://timeseriesclassification.com/aeon-toolkit"


class FetchError(OSError):
    """A data set could not be downloaded; the message has a line for each place that was tried."""


def mirror() -> str | None:
    """The place that `MLSTM_FCN_MIRROR` names, a folder or a URL, which holds `<Name>.zip`."""
    return transfer.without_file_scheme(os.environ.get("MLSTM_FCN_MIRROR", "")) or None


def fetch(name: str, cache: Path, require_parts: Callable[[Path], None]) -> Path:
    """Download a data set into the cache.

    The mirror is asked first, then Zenodo, where the archive's keepers publish its files with their MD5 sums,
    then the archive's site. What has no published sum gets a note of its SHA-256 at the first download from a
    place, in `<Name>.zip.sha256`; if the place gives something else later, that is refused.

    Args:
        name: The data set.
        cache: The folder that gets `<Name>.zip`; it is made if need be.
        require_parts: Raises `UnsafeArchiveError` if an archive does not hold the data set.

    Returns:
        The archive.

    Raises:
        FetchError: If no place gave a whole, harmless archive, or it cannot be written.
    """
    target = cache / f"{name}.zip"
    failures = []
    try:
        with partial_folder(cache) as folder:
            for place, download in _ways(name):
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
    advice = f"Put {name}.zip into a folder, and name the folder in MLSTM_FCN_DATA."
    raise FetchError("\n".join([f"{name} could not be downloaded. {advice}", *failures]))


def _ways(name: str) -> Iterator[tuple[str, Callable[[Path], Path]]]:
    """The places to ask in order, and for each what makes an archive in a folder."""

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
    """An archive of the two files of a record, each with the check sum that is published."""
    about = transfer.read_json(f"{ZENODO}/api/records/{record}")
    made = folder / f"{name}.zip"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in (f"{name}_TRAIN.ts", f"{name}_TEST.ts"):
            try:
                file = next(file for file in about["files"] if file["key"] == part)
                url, checksum = str(file["links"]["self"]), str(file["checksum"])
            except (KeyError, TypeError, StopIteration):
                raise transfer.TransferError(f"record {record} has no {part} with a check sum") from None
            archive.write(transfer.download(url, folder / part, checksum), part)
    return made


def _require_same_as_before(made: Path, target: Path, place: str) -> None:
    """Compare an archive with the SHA-256 of the first download from a place, or write that down."""
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
            f"its SHA-256 is {received}, but that of the first download was {known[0]}. "
            f"If the archive's keepers have changed the data set, delete {note}."
        )
