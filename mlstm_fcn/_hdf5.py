"""Weights in an HDF5 file, checked before Keras reads them.

HDF5 can take values from other files (external storage, virtual data sets, external links), and inflate a few
bytes to any size (chunks). Weights as Keras writes them need none of this.
"""

from __future__ import annotations

import math
from io import BytesIO
from typing import Any

from mlstm_fcn._checks import require

_KINDS = "fiubSV"  # numbers, bools, fixed strings; bfloat16 has no kind of its own
_MAX_OBJECTS = 1_000_000


def n_values(content: bytes) -> int:
    """Number of values in a file, all of them in the file itself.

    Args:
        content: The file.

    Raises:
        ValueError: If a link leads elsewhere, or values are stored elsewhere, compressed or missing. HDF5's
            own errors for damaged files have several types.
    """
    import h5py

    with h5py.File(BytesIO(content), "r") as file:
        return _n_values(file, len(content))


def _n_values(file: Any, size: int) -> int:
    import h5py

    total, seen, groups = 0, {_address(file)}, [file]
    while groups:
        group = groups.pop()
        for name in group:
            link = type(group.get(name, getlink=True)).__name__
            require(link == "HardLink", "Weights must not link to other places.", name=name, link=link)
            entry = group[name]
            if _address(entry) in seen:
                continue
            seen.add(_address(entry))
            require(len(seen) <= _MAX_OBJECTS, f"Weights must have at most {_MAX_OBJECTS} entries.")
            if isinstance(entry, h5py.Group):
                groups.append(entry)
            elif isinstance(entry, h5py.Dataset):
                total += _values_of(entry, size)
    return total


def _values_of(entry: Any, size: int) -> int:
    import h5py

    stored = entry.id.get_create_plist()
    inside = stored.get_layout() in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS)
    inside = inside and not stored.get_external_count() and not stored.get_nfilters()
    require(inside, "Weights must be stored whole in their own file.", name=entry.name)
    require(entry.dtype.kind in _KINDS, "Weights must be numbers.", name=entry.name, dtype=str(entry.dtype))
    count = math.prod(entry.shape or ())
    there = count * entry.dtype.itemsize <= min(size, entry.id.get_storage_size())
    require(there, "Weights must have all values that they declare.", name=entry.name, shape=entry.shape)
    return count


def _address(entry: Any) -> int:
    import h5py

    address: int = h5py.h5o.get_info(entry.id).addr
    return address
