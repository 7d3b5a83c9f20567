"""Targets as users give them: checked, and as an array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlstm_fcn._checks import require
from mlstm_fcn.preprocess import as_array


def as_targets(y: Any) -> np.ndarray:
    """Targets as an array; a list is checked first, since NumPy would turn labels of two kinds into one.

    Raises:
        ValueError: As `require_targets`.
    """
    y = as_array(y)
    if isinstance(y, list | tuple) and len(y) > 0:
        require_targets(np.asarray(y, dtype=object))
    targets = np.asarray(y)
    require(targets.ndim > 0, "`y` must hold a target for each case.", y=y)
    return targets


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
        require(X.ndim in (2, 3), "X must be (cases, channels, time) or (cases, time).", shape=X.shape)
        require(X.size > 0, "X must hold at least one value.", shape=X.shape)
    if isinstance(X, np.ndarray | list | tuple):
        one = len(y) == 1 and getattr(X, "ndim", 3) == 2
        repair = " If X is one series (channels, time), give [X]." if one else ""
        require(len(X) == len(y), f"X and y must have equally many cases.{repair}", X=len(X), y=len(y))
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
        require(len(kinds) == 1, "Labels must be all strings, or none of them.", y=y.ravel()[:5].tolist())
