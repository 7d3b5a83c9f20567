"""What is given for each case must be in the order of the cases; pandas names them, arrays do not."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import pandas as pd

from mlstm_fcn._checks import require
from mlstm_fcn._warnings import warn

Score = Callable[..., float]


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
                text = f"`{name}` has a shuffled index and X has none, so rows are used as they stand."
                warn(f"{text} Give `{name}.to_numpy()` if that is right.")
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


def by_position(X: Any, y: Any) -> Any:
    """Targets without the names of their cases, once these are known to be in the order of X.

    Raises:
        ValueError: As `require_same_order`.
    """
    require_same_order(X, y=y)
    return y.reset_index(drop=True) if isinstance(y, pd.Series | pd.DataFrame) else y


def in_case_order(score: Score) -> Score:
    """The score of an estimator, which first checks that targets and weights are in the order of the cases.

    Args:
        score: A method with the arguments `(X, y, sample_weight=None)`.
    """

    @wraps(score)
    def checked(self: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        require_same_order(X, y=y, sample_weight=sample_weight)
        return float(score(self, X, y, sample_weight))

    return checked
