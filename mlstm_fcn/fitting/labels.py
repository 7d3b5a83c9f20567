"""Targets of a classifier in the forms that users have them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlstm_fcn._checks import require

_FEW = 10  # different numbers; so few are classes, whatever they are


def from_one_hot(y: Any) -> Any:
    """The classes of one-hot rows; any other targets unchanged.

    Args:
        y: Targets: an array, or a data frame whose columns are the classes.

    Returns:
        The labels, `(cases,)`: the numbers of the columns, or the names of the columns of a frame.

    Raises:
        ValueError: If `y` is an array of 0 and 1 in several columns, but not one 1 in each row. A frame
            like that is one target for each column, as in all of sktime.
    """
    table = np.asarray(y)
    if table.ndim != 2 or table.shape[1] < 2 or not np.isin(table, (0, 1)).all():
        return y
    ones = (table == 1).sum(axis=1)
    if (ones == 1).all():
        names = np.array(y.columns.tolist()) if hasattr(y, "columns") else np.arange(table.shape[1])
        return names[(table == 1).argmax(axis=1)]
    rule = (
        "A `y` of several columns of 0 and 1 must have one 1 in each row (one-hot). For several labels of a "
        "case give a pandas DataFrame, which fits a classifier for each column."
    )
    wrong = np.flatnonzero(ones != 1)
    require(hasattr(y, "columns"), rule, shape=table.shape, rows=wrong[:5].tolist())
    return y


def require_classes(y: np.ndarray) -> None:
    """Raise if targets look like numbers to predict: floats of which hardly two are the same.

    Raises:
        ValueError: If they do.
    """
    if y.dtype.kind != "f":
        return
    n_classes, n_cases = len(np.unique(y)), len(y)
    fractions = bool((y != np.floor(y)).any())
    rule = (
        "A classifier requires classes, and `y` looks like numbers to predict. Use a regressor "
        "(MLSTMFCNRegressor, NetworkRegressor), or make the classes text: `y.astype(str)`."
    )
    good = n_classes <= _FEW or not (fractions or 2 * n_classes > n_cases)
    require(good, rule, different_numbers=n_classes, cases=n_cases)
