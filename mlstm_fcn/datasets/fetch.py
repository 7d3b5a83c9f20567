"""Download data sets into the cache.

A data set is one file in the cache, `<Name>.zip`, which is read without unpacking. It is downloaded to a
temporary folder, checked, and then moved into place. So the cache never holds a partial archive, even if a
download is killed or two processes fetch the same data set. The part of a download that broke off is kept for
a day, and the next call continues it.
"""

from __future__ import annotations

import math
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from mlstm_fcn import _archives as archives
from mlstm_fcn._files import PREFIX, partial_folder
from mlstm_fcn.datasets import catalogue, transfer

_PARTS = f"{PREFIX}parts"
ZENODO = "https://zenodo.org"
_BYTES_PER_VALUE, _BYTES_MORE = 100, 2**26  # of a data set of known size, in several text formats
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
            for place, download in _sources(name, cache / _PARTS):
                try:
                    made = download(folder)
                    archives.require_whole(made, _most_bytes(name))
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


def _most_bytes(name: str) -> int:
    """The most that a data set may have, from its numbers of values in the catalogue."""
    known = catalogue.describe(name) if name in catalogue.names() else None
    sizes = [known.cases, known.channels, known.max_length] if known else [None]
    if None in sizes:
        return transfer.MAX_BYTES
    return _BYTES_MORE + _BYTES_PER_VALUE * math.prod(size for size in sizes if size is not None)


def _sources(name: str, parts: Path) -> Iterator[tuple[str, Callable[[Path], Path]]]:
    """The sources in order, each with a function that downloads the archive into a folder."""

    def zip_from(base: str) -> Callable[[Path], Path]:
        url, most = f"{base.rstrip('/')}/{name}.zip", _most_bytes(name)
        return lambda folder: transfer.download(url, folder / f"{name}.zip", max_bytes=most, parts=parts)

    base = mirror()
    if base and "://" in base:
        yield re.sub(r"//[^/@]*@", "//", base), zip_from(base)
    known = catalogue.describe(name) if name in catalogue.names() else None
    if known and known.zenodo:
        record = known.zenodo
        yield ZENODO, lambda folder: _from_zenodo(name, record, folder, parts)
    if known:
        yield SITE, zip_from(SITE)


def _from_zenodo(name: str, record: str, folder: Path, parts: Path) -> Path:
    """Make an archive of the record's two files, after comparing their published checksums."""
    about = transfer.read_json(f"{ZENODO}/api/records/{record}")
    made = folder / f"{name}.zip"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in (f"{name}_TRAIN.ts", f"{name}_TEST.ts"):
            try:
                found = next(file for file in about["files"] if file["key"] == part)
                url, checksum = str(found["links"]["self"]), str(found["checksum"])
            except (KeyError, TypeError, StopIteration):
                raise transfer.TransferError(f"record {record} has no {part} with a checksum") from None
            most = _most_bytes(name)
            file = transfer.download(url, folder / part, checksum, max_bytes=most, parts=parts)
            archive.write(file, part)
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
