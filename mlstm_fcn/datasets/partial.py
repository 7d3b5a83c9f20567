"""Temporary folders for files that are still being written."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".partial-"
_DAY = 24 * 3600.0


@contextmanager
def partial_folder(parent: Path) -> Iterator[Path]:
    """Create a temporary folder and remove it at the end. Move finished files out of it before that.

    Folders left by killed processes are removed after a day without changes.

    Args:
        parent: The parent folder. It is created if it does not exist.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for other in parent.glob(f"{PREFIX}*"):
        if time.time() - _last_change(other) > _DAY:
            shutil.rmtree(other, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _last_change(folder: Path) -> float:
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except OSError:  # another process is changing the folder
        return time.time()
