"""NumPy's `.npy` and `.npz` files, without pickle. Headers are checked before arrays are made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from mlstm_fcn import _archives as archives
from mlstm_fcn._checks import require

_KINDS = "fiubU"  # floats, integers, bools, strings
_HEADERS: dict[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_array(file: IO[bytes], size: int) -> np.ndarray:
    """Read an array.

    Args:
        file: The content of a `.npy` file, at its start; seekable.
        size: Its size, in bytes.

    Raises:
        ValueError: If the array is not one of numbers, bools or strings that fills the file. Damaged files
            raise other types too.
    """
    require_array(file, size)
    file.seek(0)
    array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    return array


def require_array(file: IO[bytes], size: int) -> None:
    """Check the header of a `.npy` file. Arguments and errors as of `read_array`."""
    version = np.lib.format.read_magic(file)
    require(version in _HEADERS, "The version of a .npy file must be 1.0 or 2.0.", version=version)
    shape, _, dtype = _HEADERS[version](file)
    rule = "An array must hold numbers, bools or strings."
    require(dtype.kind in _KINDS and dtype.itemsize > 0, rule, dtype=str(dtype))
    declared = math.prod(shape) * dtype.itemsize
    rule = "The header of a .npy file must declare no more than the file has."
    fits = all(side >= 0 for side in shape) and declared <= size - file.tell()
    require(fits, rule, shape=shape, dtype=str(dtype), size=size)


def read_arrays(file: Path | IO[bytes], names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Read the arrays of a `.npz` file, by name.

    Args:
        file: The file, by its path or opened for reading bytes.
        names: Names of arrays to read; those that the file lacks are left out. None: all arrays.

    Raises:
        ValueError: If the file exceeds the limits of archives, or an array is damaged. Damaged files raise
            other types too.
        FileNotFoundError: If the file does not exist.
    """
    with archives.opened(file) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        wanted = sizes if names is None else [f"{name}.npy" for name in names]
        arrays = {}
        for entry in wanted:
            if entry in sizes and entry.endswith(".npy"):
                with archive.open(entry) as content:
                    arrays[entry.removesuffix(".npy")] = read_array(content, sizes[entry])
        return arrays


def write_arrays(file: IO[bytes], arrays: Mapping[str, np.ndarray], compress: bool = False) -> None:
    """Write arrays to a `.npz` file.

    Raises:
        ValueError: If an array holds objects, which NumPy would pickle.
    """
    for name, array in arrays.items():
        rule = "An array must hold numbers, bools or strings."
        require(not array.dtype.hasobject, rule, name=name, dtype=str(array.dtype))
    save = np.savez_compressed if compress else np.savez
    save(file, **arrays)  # type: ignore[arg-type]
