"""Names of channels, which data frames have and arrays have not: what is named alike belongs together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from mlstm_fcn._checks import require

Names = tuple[Any, ...]


def channel_names(X: Any) -> Names | None:
    """The names of the channels of frames `(time, channels)`, those of the first; None for arrays."""
    first = X[0] if isinstance(X, list | tuple) and len(X) else None
    return tuple(first.columns.tolist()) if isinstance(first, pd.DataFrame) else None


def in_order(X: Any, names: Sequence[Any] | None) -> Any:
    """Frames with their channels in the order of names; arrays, and columns that only count, as they are.

    Args:
        X: Series, see `Cases`.
        names: Names of the channels in fit, or None if they had none.

    Raises:
        ValueError: If the channels of a frame have other names.
    """
    if names is None or channel_names(X) is None:
        return X
    return [_in_order(frame, list(names), case) for case, frame in enumerate(X)]


def _in_order(frame: pd.DataFrame, names: list[Any], case: int) -> pd.DataFrame:
    columns = frame.columns.tolist()
    if columns == names:
        return frame
    if sorted(map(repr, columns)) == sorted(map(repr, names)) and len(set(names)) == len(names):
        return frame[names]
    missing = [name for name in names if name not in columns]
    new = [name for name in columns if name not in names]
    numbered = _is_numbered(columns), _is_numbered(names)
    unnamed = all(numbered) or (any(numbered) and len(missing) == len(names))
    rule = (
        "Channels must have the names that they had in fit; rename them, or give arrays, whose order counts."
    )
    require(unnamed, rule, case=case, missing=missing, new=new)
    return frame


def _is_numbered(names: Sequence[Any]) -> bool:
    """Whether names only count: 0, 1, 2, as in pandas, or var_0 and dim_0, as in sktime."""
    words = [str(name).removeprefix("var_").removeprefix("dim_") for name in names]
    return words == [str(number) for number in range(len(names))]
