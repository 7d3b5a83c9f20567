"""Targets as users give them: checked, and as an array."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from mlstm_fcn._arrays import as_array
from mlstm_fcn._checks import require
from mlstm_fcn.preprocess import require_axes


def as_targets(y: Any) -> np.ndarray:
    """Targets as an array; a list is checked first, since NumPy would turn labels of two kinds into one.

    Raises:
        ValueError: As `require_targets`.
    """
    y = as_array(y)
    if isinstance(y, list | tuple) and len(y) > 0:
        require_targets(np.asarray(y, dtype=object))
    targets = _plain(np.asarray(y))
    require(targets.ndim > 0, "`y` must hold a target for each case, such as a list; not a name.", y=y)
    require(targets.ndim < 3, "`y` must be (cases,) or (cases, outputs).", shape=targets.shape)
    rule = "`y` must hold labels or real numbers; give the parts of complex numbers as two columns."
    require(targets.dtype.kind not in "cV", rule, dtype=str(targets.dtype))
    return targets


def _plain(targets: np.ndarray) -> np.ndarray:
    """Objects that are all numbers as numbers."""
    if targets.dtype != object or not all(isinstance(one, Number) for one in targets.flat):
        return targets
    numbers = np.array(targets.tolist())
    return numbers if numbers.dtype.kind in "biuf" else targets


def require_numbers(y: np.ndarray) -> None:
    """Raise unless targets are numbers, perhaps as text or objects."""
    try:
        numbers = y.dtype.kind not in "mM" and y.astype(np.float64) is not None
    except (TypeError, ValueError):
        numbers = False
    rule = "A regressor requires numbers as `y`: use a classifier for labels, and turn dates into numbers."
    require(numbers, rule, y=y[:1].tolist())


def one_column(y: Any) -> np.ndarray:
    """Targets as an array `(cases,)`.

    Raises:
        ValueError: If they have several columns, or one is missing.
    """
    y = as_targets(y)
    rule = "Targets must be one column, as those of fit."
    require(y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1), rule, shape=y.shape)
    return y.ravel()


def require_cases(X: Any, y: Any) -> None:
    """Check X and y where sktime does not, or says it less clearly.

    Raises:
        ValueError: If there is no case, the shape of X or the lengths differ, or a target is missing.
    """
    require(len(y) > 0, "X and y must hold at least one case.")
    if isinstance(X, np.ndarray) and not (X.ndim == 1 and X.dtype == object):  # of arrays, a list in effect
        require_axes(X)
        require(X.size > 0, "X must hold at least one value.", shape=X.shape)
    if isinstance(X, np.ndarray | list | tuple):
        one = len(y) == 1 and getattr(X, "ndim", 3) == 2
        repair = " If X is one series (channels, time), give [X]." if one else ""
        require(len(X) == len(y), f"X and y must have the same number of cases.{repair}", X=len(X), y=len(y))
    require_targets(y)


def require_targets(y: Any) -> None:
    """Check that every case has a target, and that labels are of one kind.

    Raises:
        ValueError: If not.
    """
    missing = np.flatnonzero(np.asarray(pd.isna(y)).reshape(len(y), -1).any(axis=1))
    require(len(missing) == 0, "Every case must have a target.", cases_without_one=missing[:5].tolist())
    if isinstance(y, np.ndarray) and y.dtype == object:
        kinds = {isinstance(value, str) for value in y.ravel()}
        require(len(kinds) == 1, "Either all labels are strings, or none is.", y=y.ravel()[:5].tolist())
