"""Arrays that were read from text before, kept as `.npy` files beside the downloads.

An entry belongs to one file, of one size and time of change; when the file changes, its entry is replaced.
Where nothing can be written, nothing is kept.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np

from mlstm_fcn.datasets.formats import Dtype, FormatError, Series, Source, arrays, blocks, read
from mlstm_fcn.datasets.partial import partial_folder


def read_once(
    source: Source, folder: Path, dtype: Dtype, memory_map: bool = False
) -> tuple[Series, np.ndarray]:
    """Read a file, or the arrays that were kept when it was read before.

    Args:
        source: The file.
        folder: The cache.
        dtype: Type of the values.
        memory_map: Leave the values on disk.

    Returns:
        Series and labels, as `formats.read`.

    Raises:
        OSError: If the values must stay on disk, and the cache cannot be written.
        FormatError: If the file cannot be read.
    """
    suffix = source.name.suffix
    if suffix == ".npy" and (source.member is None or not memory_map):
        return read(source, dtype, memory_map)
    if suffix in (".npz", ".npy"):
        if memory_map:
            rule = "cannot be memory-mapped; convert it with `mlstm-fcn data convert`"
            raise OSError(f"{source} {rule}")
        return read(source, dtype)
    entry = _entry(source, folder, dtype)
    try:
        if not entry.is_dir():
            _keep(source, entry, np.dtype(dtype))
        try:
            return read(Source(entry / "X_all.npy"), dtype, memory_map)
        except (FormatError, FileNotFoundError):  # the entry is damaged
            shutil.rmtree(entry, ignore_errors=True)
            _keep(source, entry, np.dtype(dtype))
            return read(Source(entry / "X_all.npy"), dtype, memory_map)
    except OSError:
        if memory_map or not source.path.exists():
            raise
        return read(source, dtype)


def _entry(source: Source, folder: Path, dtype: str) -> Path:
    about = source.path.stat()
    file = f"{source.path.absolute()}|{source.member}|{dtype}"
    place = hashlib.sha256(file.encode()).hexdigest()[:16]
    return folder / "arrays" / f"{place}-{about.st_size:x}-{about.st_mtime_ns:x}"


def _keep(source: Source, entry: Path, dtype: np.dtype) -> None:
    """Write the arrays beside their place, move them there when they are whole, and remove older ones."""
    with partial_folder(entry.parent) as partial:
        made = partial / "made"
        made.mkdir()
        arrays.write_folder(made, "all", blocks(source), dtype)
        try:
            made.replace(entry)
        except OSError:
            if not entry.is_dir():  # else another reader was faster
                raise
            return
    for other in entry.parent.glob(f"{entry.name.partition('-')[0]}-*"):
        if other != entry:
            shutil.rmtree(other, ignore_errors=True)
