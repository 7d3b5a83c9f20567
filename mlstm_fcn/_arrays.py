"""Arrays of other libraries as NumPy's, and NumPy's as other libraries can use them."""

import math
from typing import Any

import numpy as np

_ALIGNMENT = 64  # bytes


def as_array(values: Any) -> Any:
    """An array of another library as NumPy's, by `__array__` or DLPack; frames and all else as they are.

    Masked numbers become NaN, and masked objects None.
    """
    if isinstance(values, np.ma.MaskedArray):
        return _filled(values) if np.ma.is_masked(values) else values.data
    if isinstance(values, np.ndarray | np.generic) or hasattr(values, "columns") or hasattr(values, "iloc"):
        return values
    if hasattr(values, "__array__"):
        array = np.asarray(values)
    elif hasattr(values, "__dlpack__"):
        array = np.from_dlpack(values)
    else:
        return values
    small = array.dtype.name.startswith(("bfloat", "float8"))  # NumPy has no arithmetic for them
    return array.astype(np.float32) if small else array


def as_pandas(values: Any) -> Any:
    """A frame of polars, pyarrow or others as pandas'; all else as it is."""
    return values.to_pandas() if hasattr(values, "columns") and hasattr(values, "to_pandas") else values


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An empty float32 array that backends can use in place: NumPy's own may begin anywhere in memory."""
    n_bytes = 4 * math.prod(shape)
    memory = np.empty(n_bytes + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + n_bytes].view(np.float32).reshape(shape)


def is_aligned(array: np.ndarray) -> bool:
    """Whether backends can use the memory of a float32 array in place."""
    flags = array.flags
    usable = array.dtype == np.float32 and flags.c_contiguous and flags.writeable
    return bool(usable and array.ctypes.data % _ALIGNMENT == 0)


def _filled(values: np.ma.MaskedArray) -> np.ndarray:
    is_number = values.dtype.kind in "biuf"
    dtype = values.dtype if values.dtype.kind == "f" else np.dtype(float if is_number else object)
    filled: np.ndarray = values.data.astype(dtype)
    filled[np.ma.getmaskarray(values)] = np.nan if is_number else None
    return filled
