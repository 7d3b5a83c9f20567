"""A cache of parsed text files, as `.npy` files next to the downloads.

The key of an entry is the file's path, size and modification time. When the file changes, its entry is
replaced. If the cache is not writable, nothing is cached.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np

from mlstm_fcn._files import partial_folder
from mlstm_fcn.datasets.formats import Dtype, FormatError, Series, Source, arrays, blocks, read


def read_once(
    source: Source, folder: Path, dtype: Dtype, memory_map: bool = False
) -> tuple[Series, np.ndarray]:
    """Read a file, from the cache if it was parsed before.

    Args:
        source: The file.
        folder: The cache.
        dtype: Type of the values.
        memory_map: Memory-map the values instead of reading them.

    Returns:
        Series and labels, as from `formats.read`.

    Raises:
        OSError: If `memory_map` is set and the cache is not writable.
        FormatError: If the file cannot be parsed.
    """
    suffix = source.name.suffix
    if suffix == ".npy" and (source.member is None or not memory_map):
        return read(source, dtype, memory_map)
    if suffix in (".npz", ".npy"):
        if memory_map:
            advice = "Convert it with `mlstm-fcn data convert`."
            raise OSError(f"{source} cannot be memory-mapped. {advice}")
        return read(source, dtype)
    entry = _entry(source, folder, dtype)
    try:
        if not entry.is_dir():
            _write_entry(source, entry, np.dtype(dtype))
        try:
            return read(Source(entry / "X_all.npy"), dtype, memory_map)
        except (FormatError, FileNotFoundError):  # the entry is damaged
            shutil.rmtree(entry, ignore_errors=True)
            _write_entry(source, entry, np.dtype(dtype))
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


def _write_entry(source: Source, entry: Path, dtype: np.dtype) -> None:
    """Write the arrays to a temporary folder, move it into place, and remove older entries of the file."""
    with partial_folder(entry.parent) as partial:
        made = partial / "made"
        made.mkdir()
        arrays.write_folder(made, "all", blocks(source), dtype)
        try:
            made.replace(entry)
        except OSError:
            if not entry.is_dir():  # otherwise another process wrote the same entry
                raise
            return
    for other in entry.parent.glob(f"{entry.name.partition('-')[0]}-*"):
        if other != entry:
            shutil.rmtree(other, ignore_errors=True)
