"""Folders of NumPy arrays, which can be memory-mapped, and `.npz` files.

A folder holds `X_train.npy` and `y_train.npy` for each split, as in the data of the authors of MLSTM-FCN:
series `(cases, channels, time)` and targets. Integer targets are labels and float targets are for regression.
Some scripts of the authors save labels as floats; convert these to integers first.

For series of different lengths, `X_train.npy` holds all values in one dimension, ordered by case and then by
channel. `lengths_train.npy` holds the length of each case.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from mlstm_fcn import _archives as archives
from mlstm_fcn._npy import read_array, read_arrays, require_array, write_arrays
from mlstm_fcn.datasets.formats.cases import Block
from mlstm_fcn.datasets.formats.errors import FormatError
from mlstm_fcn.datasets.formats.source import Source

Series = np.ndarray | list[np.ndarray]
"""One array `(cases, channels, time)`, or a list of arrays `(channels, time)` if lengths differ."""

_HEADER_BYTES = 128
_BLOCK = 1024  # cases


def gather(blocks: Iterable[Block], dtype: np.dtype) -> tuple[Series, np.ndarray]:
    """Concatenate all blocks to series and targets in memory."""
    parts: list[np.ndarray] = []
    steps: list[int] = []
    targets: list[Any] = []
    channels = 1
    for block in blocks:
        parts.append(block.values.astype(dtype, copy=False))
        steps += block.steps
        targets += block.targets
        channels = block.channels
    return to_series(np.concatenate(parts), np.array(steps), channels), np.array(
        targets or [], _kind(targets)
    )


def to_series(values: np.ndarray, steps: np.ndarray, channels: int) -> Series:
    """Views of the series in a one-dimensional array of all values."""
    if (steps == steps[0]).all():
        return values.reshape(len(steps), channels, steps[0])
    ends = np.cumsum(steps * channels).tolist()
    starts = [0, *ends[:-1]]
    return [values[start:end].reshape(channels, -1) for start, end in zip(starts, ends, strict=True)]


def write_folder(folder: Path, split: str, blocks: Iterable[Block], dtype: np.dtype) -> None:
    """Write blocks one at a time, so that only one is in memory.

    Args:
        folder: An existing folder.
        split: `"train"` or `"test"`.
        blocks: The cases.
        dtype: Type of the values on disk.
    """
    steps: list[int] = []
    targets: list[Any] = []
    channels = 1
    with (folder / f"X_{split}.npy").open("wb") as file:
        file.write(b" " * _HEADER_BYTES)
        for block in blocks:
            file.write(block.values.astype(dtype, copy=False).tobytes())
            steps += block.steps
            targets += block.targets
            channels = block.channels
        equal = len(set(steps)) == 1
        shape = (len(steps), channels, steps[0]) if equal else (sum(steps) * channels,)
        file.seek(0)
        file.write(_header(shape, dtype))
    if not equal:
        np.save(folder / f"lengths_{split}.npy", np.array(steps))
    np.save(folder / f"y_{split}.npy", np.array(targets, _kind(targets)))


def read_npy(source: Source, dtype: np.dtype, memory_map: bool = False) -> tuple[Series, np.ndarray]:
    """Read arrays written by `write_folder` or prepared by the paper's authors.

    Args:
        source: `X_train.npy` or `X_test.npy`. The other arrays are in the same folder.
        dtype: Type of the values.
        memory_map: Memory-map the values instead of reading them. The file must have type `dtype`.

    Raises:
        FormatError: If the arrays are damaged or inconsistent.
    """
    if not source.name.name.startswith("X_"):
        raise FormatError(source, "a name such as X_train.npy, with y_train.npy in the same folder")
    X = _array(source, memory_map)
    if X.dtype.kind not in "fiub":
        raise FormatError(source, "numbers", str(X.dtype))
    if memory_map and X.dtype != dtype:
        expected = f"values of type {dtype} for memory-mapping; set `dtype` to the file's type"
        raise FormatError(source, expected, str(X.dtype))
    other = [source.beside(source.name.name.replace("X_", name, 1)) for name in ("y_", "lengths_")]
    steps = _array(other[1]) if other[1].exists() else None
    return _checked(X.astype(dtype, copy=False), _array(other[0]), steps, source)


def read_npz(file: IO[bytes], path: object, dtype: np.dtype) -> tuple[Series, np.ndarray]:
    """Read a `.npz` file with the arrays `X`, `y` and, for series of different lengths, `lengths`."""
    try:
        arrays = read_arrays(file, ("X", "y", "lengths"))
        X, y, steps = arrays["X"].astype(dtype, copy=False), arrays["y"], arrays.get("lengths")
    except Exception as error:  # NumPy and zipfile raise many types for a damaged file
        reason = str(error).removeprefix(f"{path} ")
        raise FormatError(path, "a NumPy archive with arrays X and y", reason) from error
    return _checked(X, y, steps, path)


def write_npz(file: IO[bytes], name: str, series: Sequence[np.ndarray], targets: np.ndarray) -> None:
    """Write a `.npz` file. The format has no field for `name`."""
    arrays = {"y": targets}
    if len({case.shape for case in series}) == 1:
        arrays["X"] = np.stack(series)
    else:
        arrays["X"] = np.concatenate([case.ravel() for case in series])
        arrays["lengths"] = np.array([case.shape[1] for case in series])
    write_arrays(file, arrays, compress=True)
    try:
        read_arrays(file, ())
    except archives.UnsafeArchiveError:  # almost all values are the same: packed, it would pass for a bomb
        file.seek(0)
        file.truncate()
        write_arrays(file, arrays)


def to_blocks(X: Series, y: np.ndarray) -> Iterator[Block]:
    """Divide series in memory into blocks."""
    for start in range(0, len(X), _BLOCK):
        part = X[start : start + _BLOCK]
        values = np.concatenate([np.ravel(case) for case in part])
        yield Block(
            values, part[0].shape[0], [case.shape[1] for case in part], y[start : start + _BLOCK].tolist()
        )


def _checked(
    X: np.ndarray, y: np.ndarray, steps: np.ndarray | None, path: object
) -> tuple[Series, np.ndarray]:
    n_cases = len(X) if steps is None else len(steps)
    if steps is None:
        if X.ndim != 3 or 0 in X.shape:
            raise FormatError(path, "an array (cases, channels, time)", X.shape)
    else:
        whole = steps.ndim == 1 and steps.dtype.kind in "iu" and n_cases > 0
        whole = whole and bool((steps > 0).all() and (steps <= X.size).all())
        steps = steps.astype(np.int64)
        if X.ndim != 1 or not whole or X.size % int(steps.sum()):
            raise FormatError(path, "as many values as the lengths require", X.shape)
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    y = y.astype(np.float64 if y.dtype.kind == "f" else np.str_) if y.dtype.kind in "fiu" else y
    if y.ndim != 1 or len(y) not in (0, n_cases) or y.dtype.kind not in "Uf":
        raise FormatError(path, f"{n_cases} labels or numbers in y", f"{y.shape}, {y.dtype}")
    return (X if steps is None else to_series(X, steps, X.size // int(steps.sum()))), y


def _array(source: Source, memory_map: bool = False) -> np.ndarray:
    try:
        with source.open() as file:
            if not memory_map or source.member is not None:
                return read_array(file, source.size())
            require_array(file, source.size())
        return np.load(source.path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise
    except Exception as error:  # NumPy and zipfile raise many types for a damaged file
        raise FormatError(source, "a NumPy array", str(error)) from error


def _kind(targets: list[Any]) -> type:
    return np.float64 if targets and isinstance(targets[0], float) else np.str_


def _header(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    """The header of a `.npy` file (NumPy Enhancement Proposal 1), with a fixed length."""
    about = repr({"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}).encode()
    length = _HEADER_BYTES - 10
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", length) + about.ljust(length - 1) + b"\n"
