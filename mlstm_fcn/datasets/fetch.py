"""From the places that publish data sets to archives in the cache.

A data set becomes one file, `<Name>.zip`, in the cache, and is read there without being unpacked. It is
downloaded into a folder of this process, checked, and moved into place last; so the cache holds whole
archives or nothing, also where a download is killed, or two processes want the same data set.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlstm_fcn.datasets import archives, catalogue, transfer

ZENODO = "https://zenodo.org"
SITE = "https://timeseriesclassification.com/aeon-toolkit"


class FetchError(OSError):
    """A data set could not be downloaded; the message has a line for each place that was tried."""


def mirror() -> str | None:
    """The place that `MLSTM_FCN_MIRROR` names, a folder or a URL, which holds `<Name>.zip`."""
    return os.environ.get("MLSTM_FCN_MIRROR") or None


def fetch(name: str, cache: Path) -> Path:
    """Download a data set into the cache.

    The mirror is asked first, then Zenodo, where the archive's keepers publish its files with their MD5 sums,
    then the archive's site. The SHA-256 of an archive without a published sum is written down at the first
    download, as `<Name>.zip.sha256`; an archive that differs from it later is refused.

    Args:
        name: The data set.
        cache: The folder that gets `<Name>.zip`; it is made if need be.

    Returns:
        The archive.

    Raises:
        FetchError: If no place gave a whole, harmless archive, or it cannot be written.
    """
    target = cache / f"{name}.zip"
    failures = []
    try:
        with _own_folder(cache, name) as folder:
            for place, download in _ways(name):
                try:
                    made = download(folder)
                    archives.require_whole(made)
                    if place != ZENODO:
                        _require_same_as_before(made, target)
                    made.replace(target)
                    return target
                except (transfer.TransferError, archives.UnsafeArchiveError) as error:
                    failures.append(f"  {place}: {error}")
    except FetchError:
        raise
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
        yield base, zip_from(base)
    known = catalogue.describe(name) if name in catalogue.names() else None
    if known and known.zenodo:
        record = known.zenodo
        yield ZENODO, lambda folder: _from_zenodo(name, record, folder)
    if known:
        yield SITE, zip_from(SITE)


def _from_zenodo(name: str, record: str, folder: Path) -> Path:
    """An archive of the two files of a record."""
    about = transfer.read_json(f"{ZENODO}/api/records/{record}")
    files = {file["key"]: file for file in about.get("files", []) if "key" in file}
    made = folder / f"{name}.zip"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in (f"{name}_TRAIN.ts", f"{name}_TEST.ts"):
            if part not in files:
                raise transfer.TransferError(f"record {record} has no file {part}")
            file: dict[str, Any] = files[part]
            archive.write(transfer.download(file["links"]["self"], folder / part, file.get("checksum")), part)
    return made


def _require_same_as_before(made: Path, target: Path) -> None:
    """Compare an archive with the SHA-256 of the first download, or write that down."""
    note = target.with_name(f"{target.name}.sha256")
    received = transfer.sha256(made)
    if not note.exists():
        partial = made.with_name(note.name)
        partial.write_text(f"{received}  {target.name}\n")
        partial.replace(note)
    expected = note.read_text().split()[0]
    if received != expected:
        raise archives.UnsafeArchiveError(
            f"its SHA-256 is {received}, but that of the first download was {expected}. "
            f"If the archive's keepers have changed the data set, delete {note}."
        )


@contextmanager
def _own_folder(cache: Path, name: str) -> Iterator[Path]:
    """A folder of this process for what is not whole yet. Those of processes that died are removed."""
    partial = cache / "partial"
    host = platform.node()
    folder = partial / f"{host}-{os.getpid()}-{time.monotonic_ns()}-{name}"
    folder.mkdir(parents=True)
    for other in partial.glob(f"{host}-*"):
        if not _runs(other.name.removeprefix(f"{host}-").partition("-")[0]):
            shutil.rmtree(other, ignore_errors=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except OSError:
        pass  # it runs, and is another user's
    return True
