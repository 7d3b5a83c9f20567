"""Replace an artifact of several files in one step, so that a kill leaves the old one or the new one, whole.

1. The new artifact is written and compared in a temporary folder beside its destination. The old one counts.
2. That folder is renamed to `.<name>.new`. From now on the new artifact counts: `load` reads it there.
3. Its files are linked or copied to their places, the manifest last, and the folder is removed.

Step 3 of a killed process is done by the next `export` or `load`, whichever comes first. A reader that may
not write reads `.<name>.new`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from mlstm_fcn._files import lock, partial_folder
from mlstm_fcn.export import manifest

Read = TypeVar("Read")


def replace(folder: Path, path: Path) -> None:
    """Make a new artifact the one at `path`.

    Args:
        folder: A `partial_folder` in the folder of `path`. It holds the artifact and its manifest only.
        path: Where the artifact belongs.

    Raises:
        OSError: If a file cannot be written. The artifact at `path` is then a whole one.
        ValueError: As in `settle`.
    """
    folder.chmod(path.parent.stat().st_mode & 0o7777)  # who reads there may read here
    new = _new(path)
    while folder.is_dir():
        settle(path, unlocked=True)
        try:
            folder.rename(new)
        except OSError:  # another process was first
            if not new.is_dir():
                raise
    _put_in_place(new, path)


def settle(path: Path, *, unlocked: bool = False) -> None:
    """Finish a replacement whose process was killed; wait for one whose process is at it.

    Args:
        path: The artifact.
        unlocked: Whether to go on where folders cannot be locked.

    Raises:
        OSError: If that is not possible.
        ValueError: If `.<name>.new` is damaged, or nothing that `export` wrote.
    """
    new, held = _new(path), None
    if not new.is_dir():
        return
    try:
        held = lock(new, wait=True)
    except FileNotFoundError:  # it is finished
        return
    except OSError:
        if not unlocked:
            raise
    try:
        try:
            manifest.read(new / path.name)
        except (ValueError, FileNotFoundError) as error:
            text = f"{new} is what an interrupted export left, and is damaged: delete it, and export again."
            raise ValueError(f"{text} {error}") from error
        _put_in_place(new, path)
    finally:
        if held is not None:
            os.close(held)


def read_whole(path: Path, read: Callable[[Path], Read]) -> Read:
    """Read an artifact as it is before or after a replacement, never in between.

    Args:
        path: The artifact.
        read: Reads it, at `path` or where the new one is.

    Raises:
        OSError: What `read` raises.
        ValueError: What `read` raises, or as in `settle`.
    """
    while True:
        with suppress(OSError):  # a folder where this process may not write
            settle(path)
        before, new = _state(path), _new(path)
        try:
            found = read(new / path.name if new.is_dir() else path)
        except (OSError, ValueError):
            if _state(path) == before:
                raise
        else:
            if _state(path) == before:
                return found


def _put_in_place(new: Path, path: Path) -> None:
    """Put the files at their places, and remove the folder, which is whole until then."""
    described = manifest.path_of(path).name
    with partial_folder(path.parent) as spare:
        for source in sorted(new.iterdir(), key=lambda one: one.name == described):
            copy, target = spare / source.name, path.with_name(source.name)
            _link(source, copy)
            if target.is_dir():
                target.rename(spare / f"{source.name}.old")
            copy.replace(target)
        new.rename(spare / "done")


def _link(source: Path, target: Path) -> None:
    """A second name for a file, or for each file of a folder; a copy where the disk has no links."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=lambda *names: _link(*map(Path, names)))
        return
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _new(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _state(path: Path) -> list[tuple[int, int, bytes] | None]:
    """What a replacement changes: the folder of the new artifact, and the manifest, in this order.

    The folder goes after the manifest has come, so one of them tells of a replacement that ends meanwhile.
    The text of the manifest counts too: a file that was removed may give its number to one that is made
    within the same tick of the disk's clock.
    """
    state: list[tuple[int, int, bytes] | None] = []
    for place in (_new(path), manifest.path_of(path)):
        try:
            about = place.stat()
            state.append((about.st_ino, about.st_mtime_ns, b"" if place.is_dir() else place.read_bytes()))
        except FileNotFoundError:
            state.append(None)
    return state
