"""Arrays of other libraries as NumPy's."""

from typing import Any

import numpy as np


def as_array(values: Any) -> Any:
    """An array of another library as NumPy's, by `__array__` or DLPack; frames and all else as they are."""
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
