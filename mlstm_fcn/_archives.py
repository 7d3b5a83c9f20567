"""Limits of zip archives (data sets, `.npz`, `.keras`), checked before any entry is inflated."""

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

MAX_ENTRIES = 10_000
MAX_BYTES = 64 * 2**30  # of all entries, inflated
MAX_JSON = 16 * 2**20  # bytes of a JSON entry
SMALL = 16 * 2**20  # bytes; what inflates to less is no zip bomb
MAX_RATIO = 200  # inflated to packed size; archives of series have 2 to 20
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class UnsafeArchiveError(ValueError):
    """A zip archive is damaged or unsafe."""


@contextmanager
def opened(file: Path | IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """Open an archive, and check what it declares before anything in it is inflated.

    Entries never inflate to more than they declare: `zipfile` stops there, and finds a wrong checksum.

    Args:
        file: A zip archive, by its path or opened for reading bytes.

    Raises:
        UnsafeArchiveError: If the file is not a zip archive or is damaged, if an entry's path leaves the
            folder, if an entry is a link, encrypted or packed in a rare way, if two have the same name, or
            if the archive exceeds the limits above.
        FileNotFoundError: If the file does not exist.
    """
    if isinstance(file, Path):
        with file.open("rb") as content, opened(content) as archive:
            yield archive
        return
    name = getattr(file, "name", "The file")
    try:
        packed = file.seek(0, 2)
        archive = zipfile.ZipFile(file)
    except Exception as error:  # zipfile raises many types for a damaged archive
        raise UnsafeArchiveError(f"{name} is not a zip archive, or is damaged: {error}") from error
    with archive:
        _require_safe(archive.infolist(), name, packed)
        yield archive


def members(path: Path) -> list[str]:
    """List the files in an archive, with their folders. Raises as `opened`."""
    with opened(path) as archive:
        return [info.filename for info in archive.infolist() if not info.is_dir()]


def require_whole(path: Path, max_bytes: int = MAX_BYTES) -> None:
    """Read an archive once and verify its checksums.

    Args:
        path: A zip archive.
        max_bytes: The most that its entries may have, inflated.

    Raises:
        UnsafeArchiveError: If the archive is damaged, or `opened` rejects it.
    """
    with opened(path) as archive:
        size = sum(info.file_size for info in archive.infolist())
        if size > max_bytes:
            raise UnsafeArchiveError(f"{path} is refused: it unpacks to {size} bytes, over {max_bytes}.")
        try:
            damaged = archive.testzip()
        except Exception as error:  # decompressors raise many types
            raise UnsafeArchiveError(f"{path} is damaged: {error}") from error
    if damaged is not None:
        raise UnsafeArchiveError(f"{path} is damaged: the checksum of {damaged!r} is wrong.")


def _require_safe(infos: list[zipfile.ZipInfo], name: object, packed: int) -> None:
    for info in infos:
        if reason := _danger(info):
            raise UnsafeArchiveError(f"{name} is refused: {reason}. Received: {info.filename!r}")
    if len(infos) > MAX_ENTRIES:
        raise UnsafeArchiveError(f"{name} is refused: {len(infos)} entries, over {MAX_ENTRIES}.")
    if len({info.filename for info in infos}) < len(infos):
        raise UnsafeArchiveError(f"{name} is refused: several entries have the same name.")
    size = sum(info.file_size for info in infos)
    grown = size > MAX_BYTES or (size > SMALL and size > MAX_RATIO * packed)
    if grown or sum(info.compress_size for info in infos) > packed:
        what = f"a zip bomb, {packed} bytes that unpack to {size}"
        raise UnsafeArchiveError(f"{name} is refused: {what}. If it is yours, pack it without compression.")


def _danger(info: zipfile.ZipInfo) -> str | None:
    name = info.filename
    outside = (
        ".." in PurePosixPath(name).parts
        or ".." in PureWindowsPath(name).parts
        or PurePosixPath(name).is_absolute()
        or bool(PureWindowsPath(name).anchor)
    )
    if outside:
        return "a path that leaves the folder"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a symbolic link"
    if info.flag_bits & 1:
        return "an encrypted file"
    if name.endswith(".json") and info.file_size > MAX_JSON:
        return f"JSON of {info.file_size} bytes, over {MAX_JSON}"
    return None if info.compress_type in _PACKED else "an entry that is neither stored nor deflated"
