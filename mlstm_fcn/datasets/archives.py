"""Safety checks of downloaded zip archives, made before any member is read."""

import stat
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

_BIG = 100 * 2**20  # bytes; smaller archives are never treated as a zip bomb
_MAX_RATIO = 200  # unpacked to packed size; archives of series have 2 to 20


class UnsafeArchiveError(ValueError):
    """A zip archive is damaged or unsafe."""


def members(path: Path) -> list[str]:
    """List the files in an archive.

    Args:
        path: A zip archive.

    Returns:
        The member names, with their folders.

    Raises:
        UnsafeArchiveError: If the file is not a zip archive or is damaged, if a member's path leaves the
            folder, if a member is a link or encrypted, or if the archive is a zip bomb.
        FileNotFoundError: If the file does not exist.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise UnsafeArchiveError(f"{path} is not a zip archive, or is damaged: {error}") from error
    for info in infos:
        if reason := _danger(info):
            raise UnsafeArchiveError(f"{path} is refused: {reason}. Received: {info.filename!r}")
    size = sum(info.file_size for info in infos)
    packed = path.stat().st_size
    grown = size > _BIG and size > _MAX_RATIO * packed
    if grown or sum(info.compress_size for info in infos) > packed:
        raise UnsafeArchiveError(f"{path} is refused: a zip bomb, {packed} bytes that unpack to {size}.")
    return [info.filename for info in infos if not info.is_dir()]


def require_whole(path: Path) -> None:
    """Read an archive once and verify its checksums.

    Raises:
        UnsafeArchiveError: If the archive is damaged, or `members` rejects it.
    """
    members(path)
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except Exception as error:  # decompressors raise many types
        raise UnsafeArchiveError(f"{path} is damaged: {error}") from error
    if damaged is not None:
        raise UnsafeArchiveError(f"{path} is damaged: the checksum of {damaged!r} is wrong.")


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
    return "an encrypted file" if info.flag_bits & 1 else None
