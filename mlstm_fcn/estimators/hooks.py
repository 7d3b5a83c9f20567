"""What a task (classification, regression) and a named estimator add to the mechanism of all estimators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mlstm_fcn.training.recipes import Recipe

if TYPE_CHECKING:
    import keras

    from mlstm_fcn.estimators.call import FitCall
    from mlstm_fcn.estimators.fitting import Task

Shape = tuple[int | None, int]
"""`(time, channels)`; time is None for any length."""


class Hooks:
    """Methods that each public estimator has, by its task or by itself."""

    def _learn_targets(self, y: np.ndarray, call: FitCall) -> None:
        """Note what is to be known of the targets, before the first epoch."""
        raise NotImplementedError

    def _check_labels(self, y: Any, labels: Any) -> None:
        """Raise if training cannot go on with targets like these."""

    def _task(self) -> Task:
        """Loss, metrics and form of the output; after the targets are known."""
        raise NotImplementedError

    def _targets(self, y: np.ndarray) -> np.ndarray:
        """Targets as the network has them, float32 `(cases, outputs)`."""
        raise NotImplementedError

    def _weights(self, y: np.ndarray, recipe: Recipe) -> np.ndarray:
        """Weights of the cases that the recipe asks for, `(cases,)`."""
        return np.ones(len(y))

    def _network_time(self, time: int, channels: int, member: int = 0) -> int | None:
        """The length that a network of the ensemble fixes for series like these, or None if it takes any."""
        raise NotImplementedError

    def _network_options(self, time: int, channels: int, member: int = 0) -> dict[str, Any]:
        """The options of a new network of the ensemble, for training series of at most so many steps."""
        raise NotImplementedError

    def _network(self, shape: Shape, n_outputs: int, options: dict[str, Any], **form: Any) -> keras.Model:
        """An untrained network with some options; its form is `activation` (a name) and `masked` (a bool)."""
        raise NotImplementedError
