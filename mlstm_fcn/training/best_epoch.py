"""Which epoch was the best so far, and its weights."""

import math
from typing import Any

import keras
import numpy as np


class BestEpoch:
    """Keeps the weights of the epoch with the lowest loss, in memory.

    Args:
        monitor: Name of the loss in the logs.
        patience: After how many epochs without a lower loss it is enough; None for never.
    """

    def __init__(self, monitor: str, patience: int | None):
        self._monitor = monitor
        self._patience = patience
        self._lowest = math.inf
        self._epoch = 0
        self._weights: list[np.ndarray] = []

    def note(self, epoch: int, logs: dict[str, float], model: keras.Model) -> None:
        """Take note of an epoch that has ended."""
        if logs[self._monitor] < self._lowest:
            self._lowest, self._epoch = logs[self._monitor], epoch
            self._weights = model.get_weights()

    def is_long_ago(self, epoch: int) -> bool:
        """Whether patience is at its end."""
        return self._patience is not None and epoch - self._epoch >= self._patience

    def restore(self, model: keras.Model) -> None:
        """Give a model the weights of the best epoch; if no loss was ever a number, leave it."""
        if self._weights:
            model.set_weights(self._weights)

    def get_state(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """What a checkpoint needs: plain values, and the weights."""
        return {"lowest": self._lowest, "epoch": self._epoch}, self._weights

    def set_state(self, values: dict[str, Any], weights: list[np.ndarray]) -> None:
        """The reverse of `get_state`."""
        self._lowest, self._epoch, self._weights = values["lowest"], values["epoch"], weights
