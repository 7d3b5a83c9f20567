"""What one call of fit is given, beside the parameters of the estimator, and checks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mlstm_fcn._checks import require

if TYPE_CHECKING:
    import keras

ONE_EPOCH = {
    "n_epochs": 1,
    "schedule": "constant",
    "validation_split": 0.0,
    "patience": None,
    "keep_best": False,
}


@dataclass(frozen=True)
class FitCall:
    """What a call of fit was given beside X and y.

    Attributes:
        sample_weight: A weight for each case, or None.
        X_val: Validation series, or None.
        y_val: Their targets.
        start: A model whose weights and scaling training starts from, or None.
        network_options: Options of its networks.
        freeze: Beginnings of the names of layers that training does not change.
        changes: What is different from the estimator's recipe.
        history: Figures of the epochs before, to be continued.
        n_epochs_before: Epochs that `start` was trained for.
        classes: All labels that will ever come, if not those of y.
    """

    sample_weight: Any = None
    X_val: Any = None
    y_val: Any = None
    start: keras.Model | None = None
    network_options: Sequence[Mapping[str, Any]] = ()
    freeze: Sequence[str] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, list[float]] = field(default_factory=dict)
    n_epochs_before: int = 0
    classes: Any = None

    @property
    def is_plain(self) -> bool:
        """Whether fit was given X and y only."""
        return self.sample_weight is None and self.X_val is None and self.start is None


def as_array(y: Any) -> np.ndarray:
    """Targets as an array; a list is checked before, for NumPy would make one kind of labels of several.

    Raises:
        ValueError: As `require_targets`.
    """
    if isinstance(y, list | tuple) and len(y) > 0:
        require_targets(np.asarray(y, dtype=object))
    return np.asarray(y)


def one_column(y: Any) -> np.ndarray:
    """Targets as an array `(cases,)`.

    Raises:
        ValueError: If they are several columns.
    """
    y = as_array(y)
    require(y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1), "y must be one column.", shape=y.shape)
    return y.ravel()


def require_cases(X: Any, y: Any) -> None:
    """Check of X and y what sktime does not, or not in a sentence."""
    require(len(y) > 0, "X and y must hold at least one case.")
    if isinstance(X, np.ndarray):
        require(X.ndim in (2, 3), "X must be (cases, channels, time) or (cases, time).", shape=X.shape)
        require(X.size > 0, "X must hold at least one value.", shape=X.shape)
    if isinstance(X, np.ndarray | list | tuple):
        require(len(X) == len(y), "X and y must have equally many cases.", X=len(X), y=len(y))
    require_targets(y)


def require_targets(y: Any) -> None:
    """Check that there is a target for every case."""
    missing = np.flatnonzero(np.asarray(pd.isna(y)).reshape(len(y), -1).any(axis=1))
    require(len(missing) == 0, "Every case must have a target.", cases_without_one=missing[:5].tolist())
    if isinstance(y, np.ndarray) and y.dtype == object:
        kinds = {isinstance(value, str) for value in y.ravel()}
        require(len(kinds) == 1, "Labels must be all strings, or none of them.", y=y.ravel()[:5].tolist())
