"""Zip archives from elsewhere: refused before anything is read where they could do harm."""

import stat
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

_BIG = 100 * 2**20  # bytes; below, no archive is a bomb
_MOST_COMPRESSED = 200  # times; archives of series are compressed 2 to 20 times


class UnsafeArchiveError(ValueError):
    """A zip archive is damaged, or could do harm."""


def members(path: Path) -> list[str]:
    """The files in an archive.

    Args:
        path: A zip archive.

    Returns:
        Their names, with folders.

    Raises:
        UnsafeArchiveError: If it is no archive or damaged; if a name leads out of a folder; if it holds a
            link or an encrypted file; or if it would become far bigger than archives of series do (a zip
            bomb).
        FileNotFoundError: If there is no such file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise UnsafeArchiveError(f"{path} is not a zip archive, or is damaged: {error}") from error
    for info in infos:
        if reason := _harm(info):
            raise UnsafeArchiveError(f"{path} is refused: {reason}. Received: {info.filename!r}")
    size = sum(info.file_size for info in infos)
    packed = path.stat().st_size
    grown = size > _BIG and size > _MOST_COMPRESSED * packed
    if grown or sum(info.compress_size for info in infos) > packed:
        raise UnsafeArchiveError(f"{path} is refused: {packed} bytes that unpack to {size} are a zip bomb.")
    return [info.filename for info in infos if not info.is_dir()]


def require_whole(path: Path) -> None:
    """Read an archive once and compare its check sums.

    Raises:
        UnsafeArchiveError: If it is damaged, or `members` refuses it.
    """
    members(path)
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except Exception as error:  # decompressors raise many kinds
        raise UnsafeArchiveError(f"{path} is damaged: {error}") from error
    if damaged is not None:
        raise UnsafeArchiveError(f"{path} is damaged: the check sum of {damaged!r} is wrong.")


def _harm(info: zipfile.ZipInfo) -> str | None:
    name = info.filename
    outside = (
        ".." in PurePosixPath(name).parts
        or ".." in PureWindowsPath(name).parts
        or PurePosixPath(name).is_absolute()
        or bool(PureWindowsPath(name).anchor)
    )
    if outside:
        return "a name that leads out of the folder"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a symbolic link"
    return "an encrypted file" if info.flag_bits & 1 else None
