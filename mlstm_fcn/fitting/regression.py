"""Regression as a value, of one number a case or several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.fitting.doubts import warn_of_coarse_targets
from mlstm_fcn.fitting.targets import as_targets, require_numbers
from mlstm_fcn.fitting.task import ClassWeight, Numbers
from mlstm_fcn.training.recipes import Recipe


@dataclass(frozen=True)
class Regression:
    """A linear output for each number of a case, trained on standardised targets. See `Task`.

    Attributes:
        mean: Mean of the training targets; with several numbers a case, a tuple with one for each.
        std: Their standard deviation; 1 if they are constant.
    """

    mean: Numbers
    std: Numbers

    activation: ClassVar[str] = "linear"
    metrics: ClassVar[tuple[str, ...]] = ()
    stratified: ClassVar[bool] = False
    keeps_unit: ClassVar[bool] = True

    @classmethod
    def learn(cls, y: np.ndarray) -> Regression:
        """Mean and standard deviation of targets, `(cases,)` or `(cases, outputs)`.

        Raises:
            ValueError: If a target is not finite.

        Warns:
            UserWarning: If float32 keeps little of the differences between the targets.
        """
        values = _finite(y)
        for column in values.reshape(len(values), -1).T:
            warn_of_coarse_targets(column)
        mean, std = values.mean(axis=0), values.std(axis=0)
        constant = std <= np.finfo(np.float64).eps * np.abs(mean)  # apart from rounding
        return cls(_numbers(mean), _numbers(np.where(constant, 1.0, std)))

    @property
    def n_outputs(self) -> int:
        """How many numbers a case has."""
        return len(self.mean) if isinstance(self.mean, tuple) else 1

    @property
    def unit(self) -> tuple[Numbers, Numbers]:
        """From standardised targets to the unit of the data."""
        return self.std, self.mean

    def read(self, y: Any) -> np.ndarray:
        """Targets of a user as an array `(cases,)`, or `(cases, outputs)` if there are several.

        Raises:
            ValueError: If they have another number of columns.
        """
        values = as_targets(y)
        n_columns = values.shape[1] if values.ndim == 2 else 1
        rule = f"`y` must have {self.n_outputs} columns, as in fit."
        require(values.ndim < 3 and n_columns == self.n_outputs, rule, shape=values.shape)
        return values if n_columns > 1 else values.ravel()

    def loss(self, recipe: Recipe) -> Any:
        """Squared error, unless the recipe has a loss."""
        return recipe.loss or "mean_squared_error"

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Standardised targets.

        Raises:
            ValueError: If a target is not finite, or the number of columns differs.
        """
        scaled = (_finite(self.read(y)) - np.asarray(self.mean)) / np.asarray(self.std)
        return scaled.astype(np.float32).reshape(len(scaled), self.n_outputs)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Numbers in the unit of the data, float64 `(cases,)`, or `(cases, outputs)` if there are several."""
        numbers = outputs.astype(np.float64)
        return numbers if self.n_outputs > 1 else numbers[:, 0]

    def sample_weights(self, y: np.ndarray, class_weight: ClassWeight) -> np.ndarray:
        """Equal weights; weights of classes are an error."""
        rule = "`class_weight` requires a classifier."
        require(not isinstance(class_weight, Mapping), rule, class_weight=class_weight)
        return np.ones(len(y))

    def suits(self, y: Any) -> bool:
        """Yes: the network knows the unit of its outputs."""
        return True

    def require_same(self, y: Any) -> None:
        """Any numbers will do, as many a case as before; errors as of `read`."""
        self.read(y)

    def to_plain(self) -> dict[str, Any]:
        """Mean and standard deviation."""
        return {"target_mean": self.mean, "target_std": self.std}


def _finite(y: np.ndarray) -> np.ndarray:
    require_numbers(y)
    values: np.ndarray = y.astype(np.float64)
    require(bool(np.isfinite(values).all()), "Every target must be a finite number.")
    return values


def _numbers(values: np.ndarray) -> Numbers:
    return tuple(values.tolist()) if np.ndim(values) else float(values)
