"""Series with their targets and weights, as the user gives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlstm_fcn._checks import require
from mlstm_fcn._groups import group_numbers
from mlstm_fcn.fitting.labels import from_one_hot
from mlstm_fcn.fitting.names import require_same_order
from mlstm_fcn.memmap import is_large
from mlstm_fcn.training.recipes import Recipe


@dataclass(frozen=True, eq=False)
class Cases:
    """Labelled series.

    Attributes:
        X: Series: an array `(cases, channels, time)`, a list of arrays `(channels, time)` or of frames with a
            row for each step, or a `numpy.memmap`.
        y: Targets, `(cases,)`.
        sample_weight: Weight of each case, finite and not negative; None: 1.
        groups: Group of each case, which a validation split does not divide; None: each case is its own.
    """

    X: Any
    y: np.ndarray
    sample_weight: Any = None
    groups: Any = None

    def least_trained_on(self, recipe: Recipe, validation: Cases | None) -> int:
        """Number of cases that a recipe trains on; with groups, which it does not divide, the least."""
        if validation is not None:
            return len(self.y)
        most = recipe.n_training(len(self.y))
        if self.groups is None:
            return most
        return min(most, int(np.bincount(self.group_numbers()).min()))

    def group_numbers(self) -> np.ndarray:
        """The number of the group of each case, `(cases,)`; errors as of `mlstm_fcn._groups`."""
        return group_numbers(self.groups, len(self.y))

    def weights(self) -> np.ndarray:
        """The weight of each case, `(cases,)`.

        Raises:
            ValueError: If they are not as many finite numbers as cases, negative, or all zero.
        """
        if self.sample_weight is None:
            return np.ones(len(self.y))
        weights = np.asarray(self.sample_weight, dtype=np.float64)
        rule = f"`sample_weight` must be {len(self.y)} finite numbers, not negative and not all zero."
        finite = weights.shape == (len(self.y),) and np.isfinite(weights).all()
        require(bool(finite and weights.min() >= 0 and weights.any()), rule, sample_weight=self.sample_weight)
        return weights


def cases_of(
    X: Any,
    y: np.ndarray,
    convert: Callable[[Any], Any],
    task_type: str,
    sample_weight: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    groups: Any = None,
) -> tuple[Cases, Cases | None]:
    """Cases to train on and to validate on, from what fit is given; validation series are converted.

    Raises:
        ValueError: As `_validation_cases`.
    """
    return Cases(X, y, sample_weight, groups), _validation_cases(X_val, y_val, convert, task_type)


def _validation_cases(X: Any, y: Any, convert: Callable[[Any], Any], task_type: str) -> Cases | None:
    """Validation series and targets as cases, or None if there are none.

    Raises:
        ValueError: If only one of them is given, as `checked_targets`, or there are several columns.
    """
    if X is None and y is None:
        return None
    both = X is not None and y is not None
    require(both, "`X_val` and `y_val` must be given together, or neither.")
    require_same_order(X, y_val=y)
    targets = one_column(from_one_hot(y) if task_type == "Classification" else y)
    require_targets(targets)
    return Cases(convert(X), targets)


def as_targets(y: Any) -> np.ndarray:
    """Targets as an array; a list is checked first, since NumPy would turn labels of two kinds into one.

    Raises:
        ValueError: As `require_targets`.
    """
    if isinstance(y, list | tuple) and len(y) > 0:
        require_targets(np.asarray(y, dtype=object))
    targets = np.asarray(y)
    require(targets.ndim > 0, "`y` must hold a target for each case.", y=y)
    return targets


def checked_targets(
    X: Any, y: Any, task_type: str, sample_weight: Any = None, groups: Any = None, **request: Any
) -> Any:
    """Targets as an array, or the frame that they are; X, y and weights fit together.

    Args:
        X: Series in any container.
        y: Targets as the user gives them.
        task_type: The name of the task; targets of `Classification` may be one-hot.
        sample_weight: Weights as the user gives them.
        groups: Groups as the user gives them.
        **request: What else was given to fit, or None; sktime's way with several columns would lose it.

    Raises:
        ValueError: As `require_cases`, `require_same_order` and `from_one_hot`.
    """
    require_same_order(X, y=y, sample_weight=sample_weight, groups=groups)
    y = y if hasattr(y, "columns") else as_targets(y)
    y = from_one_hot(y) if task_type == "Classification" else y
    require_cases(X, y)
    one_column_only = y.ndim == 1 or y.shape[1] == 1
    require(
        one_column_only or not is_large(X), "Memory-mapped series require one column of `y`.", shape=y.shape
    )
    is_plain = all(value is None for value in (sample_weight, groups, *request.values()))
    rule = "`sample_weight`, `X_val`, `groups` and warm start do not support multi-output `y`."
    require(one_column_only or is_plain, rule, shape=y.shape)
    return y


def one_column(y: Any) -> np.ndarray:
    """Targets as an array `(cases,)`.

    Raises:
        ValueError: If they have several columns, or one is missing.
    """
    y = as_targets(y)
    require(y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1), "y must be one column.", shape=y.shape)
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
