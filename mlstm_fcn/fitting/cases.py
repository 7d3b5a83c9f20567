"""Series with their targets and weights, as the user gives them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlstm_fcn._arrays import as_array
from mlstm_fcn._case_order import require_same_order
from mlstm_fcn._checks import require
from mlstm_fcn._groups import group_numbers
from mlstm_fcn.fitting.targets import require_targets
from mlstm_fcn.fitting.task import Task
from mlstm_fcn.loaders.series import LoadedSeries, is_loader
from mlstm_fcn.training.recipes import Recipe


@dataclass(frozen=True, eq=False)
class Cases:
    """Labelled series.

    Attributes:
        X: Series: an array `(cases, channels, time)`, a list of arrays `(channels, time)` or of frames with a
            row for each step, a `numpy.memmap`, or a `LoadedSeries` of `mlstm_fcn.loaders`.
        y: Targets, `(cases,)`; `(cases, outputs)` of a task with several answers a case.
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
        weights = np.asarray(as_array(self.sample_weight), dtype=np.float64)
        rule = f"`sample_weight` must be {len(self.y)} finite numbers, not negative and not all zero."
        finite = weights.shape == (len(self.y),) and np.isfinite(weights).all()
        require(bool(finite and weights.min() >= 0 and weights.any()), rule, sample_weight=self.sample_weight)
        return weights


def validation_cases(X: Any, y: Any, convert: Callable[[Any], Any], task: Task) -> Cases | None:
    """Validation series and targets as cases, or None if there are none.

    Raises:
        ValueError: If only one of them is given, or as of `Task.read` and `require_targets`.
    """
    if X is None and y is None:
        return None
    if is_loader(X):
        require(y is None, "A loader gives targets itself: leave out `y_val`.")
        series = LoadedSeries(X)
        return Cases(series, task.read(series.survey.targets), series.survey.weights)
    both = X is not None and y is not None
    require(both, "`X_val` and `y_val` must be given together, or neither.")
    require_same_order(X, y_val=y)
    targets = task.read(y)
    require_targets(targets)
    return Cases(convert(X), targets)
