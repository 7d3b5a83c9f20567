"""Names of channels and cases, which pandas has and arrays have not: what is named alike belongs together."""

from __future__ import annotations

import warnings
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


def require_same_order(X: Any, **of_cases: Any) -> None:
    """Check that what is given for each case is in the order of the cases.

    Args:
        X: Series in any container; a frame names its cases in its index, or the first level of it.
        **of_cases: Targets and weights by name. A pandas Series or DataFrame has names of cases too.

    Raises:
        ValueError: If X and the others name the cases, and differ in order or names.

    Warns:
        UserWarning: If X names no cases, and the index of another is out of order.
    """
    for name, values in of_cases.items():
        if not isinstance(values, pd.Series | pd.DataFrame) or len(values) == 0:
            continue
        given, cases = values.index, _case_names(X)
        numbered = pd.RangeIndex(len(given))
        expected = numbered if cases is None else cases
        if len(expected) != len(given) or given.equals(expected):
            continue
        shuffled = set(given) == set(expected)
        if cases is None:
            if shuffled:
                text = f"`{name}` has a shuffled index, and X is an array without one, so its order is taken."
                warnings.warn(f"{text} `{name}.to_numpy()` says so.", UserWarning, stacklevel=6)
            continue
        rule = (
            f"The index of `{name}` must name the cases as X does, in the same order. Put it in that order "
            f"(`{name}.loc[...]`), or give `{name}.to_numpy()` if its order is right."
        )
        positional = not shuffled and (given.equals(numbered) or cases.equals(numbered))
        require(positional, rule, X=cases[:5].tolist(), **{name: given[:5].tolist()})


def _case_names(X: Any) -> pd.Index | None:
    if not isinstance(X, pd.DataFrame):
        return None
    return X.index.get_level_values(0).unique() if X.index.nlevels > 1 else X.index
