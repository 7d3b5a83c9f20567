"""Arrays of other libraries as NumPy's."""

from typing import Any

import numpy as np


def as_array(values: Any) -> Any:
    """An array of another library as NumPy's, by `__array__` or DLPack; frames and all else as they are.

    Masked values become NaN; those that are no numbers, None.
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


def _filled(values: np.ma.MaskedArray) -> np.ndarray:
    is_number = values.dtype.kind in "biuf"
    dtype = values.dtype if values.dtype.kind == "f" else np.dtype(float if is_number else object)
    filled: np.ndarray = values.data.astype(dtype)
    filled[np.ma.getmaskarray(values)] = np.nan if is_number else None
    return filled
