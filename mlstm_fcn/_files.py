"""Files and folders that appear whole or not at all, checksums of JSON values, and the errors of damage.

What is not whole yet lies in a hidden folder `.partial-...` in the folder of its destination. The process
that writes holds a lock on it, which ends with the process, however that ends. The next write there removes
what a killed process left. Folders of other machines, and all where folders cannot be locked (Windows, some
network file systems), are removed after a day without changes.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

PREFIX = ".partial-"
_DAY = 24 * 3600.0
_ATTEMPTS = 10


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text atomically. Missing parent folders are created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def written_whole(path: Path, suffix: str = "") -> Iterator[Path]:
    """Write a file atomically: yield a temporary path on the same disk, then rename it to `path`.

    On an error the temporary file is removed and `path` is left as it was.

    Args:
        path: The file. An existing one is replaced.
        suffix: Suffix of the temporary name, for writers that require one.

    Raises:
        FileNotFoundError: If the folder does not exist.
        IsADirectoryError: If the path is a folder.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the name of a file.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder of {path} does not exist.")
    with partial_folder(path.parent) as folder:
        partial = folder / f"whole{suffix}"
        yield partial
        partial.replace(path)


@contextmanager
def partial_folder(parent: Path) -> Iterator[Path]:
    """Create a temporary folder and remove it at the end. Move finished files out of it before that.

    Folders that killed processes left in `parent` are removed.

    Args:
        parent: The parent folder. It is created if it does not exist.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(parent)
    folder, held = _new_folder(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


@contextmanager
def damage_of(path: Path | str, kind: str = "a Keras archive") -> Iterator[None]:
    """Turn the many errors of damaged files into ValueError; keep those that name the file.

    Args:
        path: What is read in the block, and nothing else: an error of the caller's is no damage.
        kind: What the file should be.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        if type(error) is ValueError and str(error).startswith(str(path)):
            raise
        what = error if isinstance(error, ValueError) else repr(error)
        raise ValueError(f"{path} is damaged, or not {kind}: {what}") from error


def scratch_folder() -> AbstractContextManager[Path]:
    """A `partial_folder` where the system keeps temporary files."""
    return partial_folder(Path(tempfile.gettempdir()))


def lock(folder: Path, *, wait: bool = False) -> int:
    """Lock a folder until the returned descriptor is closed, or the process ends.

    Args:
        folder: The folder.
        wait: Whether to wait until another holder has released it.

    Raises:
        BlockingIOError: If another process or thread holds the lock.
        FileNotFoundError: If there is no such folder, or not any more.
        OSError: If the system or the disk has no such locks.
    """
    if sys.platform == "win32":
        raise OSError(f"{folder} cannot be locked.")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        if not os.path.samestat(os.fstat(descriptor), os.stat(folder)):
            raise FileNotFoundError(f"{folder} was removed.")
        return descriptor
    except BaseException:
        os.close(descriptor)
        raise


def crc(values: dict[str, Any]) -> int:
    """A checksum of JSON values. The key `"crc"`, which stores the checksum, is excluded."""
    kept = {name: value for name, value in values.items() if name != "crc"}
    return zlib.crc32(json.dumps(kept, sort_keys=True).encode())


def _new_folder(parent: Path) -> tuple[Path, int | None]:
    """Create a folder and lock it, where that is possible."""
    for _ in range(_ATTEMPTS):
        folder = Path(tempfile.mkdtemp(prefix=_own_prefix(), dir=parent))
        try:
            return folder, lock(folder)
        except (BlockingIOError, FileNotFoundError):
            continue  # before it was locked, another process took it for abandoned
        except OSError:
            return folder, None
    raise OSError(f"Temporary folders in {parent} are removed by another program.")


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        held = None
        try:
            held = lock(folder) if folder.name.startswith(_own_prefix()) else None
        except BlockingIOError:
            continue
        except OSError:
            pass
        if held is not None or time.time() - _last_change(folder) > _DAY:
            shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


def _own_prefix() -> str:
    """The beginning of this machine's names: a lock may be unknown to other machines."""
    return f"{PREFIX}{zlib.crc32(platform.node().encode()):08x}-"


def _last_change(folder: Path) -> float:
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    except OSError:  # another process is changing the folder
        return time.time()
