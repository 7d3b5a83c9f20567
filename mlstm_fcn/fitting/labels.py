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
        The labels, `(cases,)`: the numbers of the columns, or the names of the columns of a frame. A sparse
        matrix becomes a dense one; it always means several labels a case.

    Raises:
        ValueError: If a sparse matrix does not hold 0 and 1.
    """
    if is_sparse(y):
        return indicator(y)
    table = np.asarray(y)
    if not is_binary(table) or not ((table == 1).sum(axis=1) == 1).all():
        return y
    names = np.array(y.columns.tolist()) if hasattr(y, "columns") else np.arange(table.shape[1])
    return names[(table == 1).argmax(axis=1)]


def is_sparse(y: Any) -> bool:
    """Whether targets are a sparse matrix of SciPy."""
    return hasattr(y, "toarray") and hasattr(y, "nnz")


def is_binary(table: np.ndarray) -> bool:
    """Whether a table has several columns, all of 0 and 1."""
    return bool(table.ndim == 2 and table.shape[1] > 1 and np.isin(table, (0, 1)).all())


def indicator(y: Any) -> np.ndarray:
    """Several labels a case as a dense matrix of 0 and 1, int64 `(cases, labels)`.

    Raises:
        ValueError: If `y` is not a matrix of 0 and 1.
    """
    matrix = np.asarray(y.toarray() if is_sparse(y) else y)
    rule = "`y` must be a matrix of 0 and 1 with a row for each case and a column for each label."
    require(is_binary(matrix), rule, shape=matrix.shape, dtype=str(matrix.dtype))
    return matrix.astype(np.int64)


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
