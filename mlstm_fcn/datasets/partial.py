"""Folders for what is not whole yet."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = ".partial-"
_DAY = 24 * 3600.0


@contextmanager
def partial_folder(parent: Path) -> Iterator[Path]:
    """A new folder for the caller alone, removed at the end; what is whole is moved out of it.

    Folders of callers that were killed are removed when nothing in them has changed for a day.

    Args:
        parent: The folder that it is made in; it is made if need be.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for other in parent.glob(f"{_PREFIX}*"):
        if time.time() - _last_change(other) > _DAY:
            shutil.rmtree(other, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _last_change(folder: Path) -> float:
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError:  # its owner is at work
        return time.time()
