"""The epoch with the lowest loss, and its weights."""

import math
from typing import Any

import keras
import numpy as np


class BestEpoch:
    """Keep the weights of the epoch with the lowest loss, in memory.

    Args:
        monitor: Name of the loss in the logs.
        patience: Number of epochs without improvement after which training stops; None to never stop early.
    """

    def __init__(self, monitor: str, patience: int | None):
        self._monitor = monitor
        self._patience = patience
        self._lowest = math.inf
        self._epoch = 0
        self._weights: list[np.ndarray] = []

    def note(self, epoch: int, logs: dict[str, float], model: keras.Model) -> None:
        """Record the loss of a finished epoch, and its weights if it is the best."""
        if logs[self._monitor] < self._lowest:
            self._lowest, self._epoch = logs[self._monitor], epoch
            self._weights = model.get_weights()

    def is_long_ago(self, epoch: int) -> bool:
        """Whether the patience is exhausted."""
        return self._patience is not None and epoch - self._epoch >= self._patience

    def restore(self, model: keras.Model) -> None:
        """Set a model's weights to those of the best epoch. If every loss was NaN, keep the model as is."""
        if self._weights:
            model.set_weights(self._weights)

    def get_state(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """The state for a checkpoint: plain values and weights."""
        return {"lowest": self._lowest, "epoch": self._epoch}, self._weights

    def set_state(self, values: dict[str, Any], weights: list[np.ndarray]) -> None:
        """Restore the state from `get_state`."""
        self._lowest, self._epoch, self._weights = values["lowest"], values["epoch"], weights
