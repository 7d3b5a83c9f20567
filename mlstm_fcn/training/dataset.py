"""What networks are trained and tested on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Dataset:
    """What a network is trained or tested on.

    Attributes:
        inputs: One array for each input of the network: series `(cases, time, channels)`, perhaps a mask.
            Or series in a file.
        targets: Shape `(cases, outputs)`.
        sample_weight: Weight of each case in loss and metrics, shape `(cases,)`.
        prepare: Makes the network's inputs of series that were read from a file; else None.
    """

    inputs: list[Any]
    targets: np.ndarray
    sample_weight: np.ndarray
    prepare: Callable[[np.ndarray], list[np.ndarray]] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def arrays(self) -> list[np.ndarray]:
        """All arrays, the inputs first."""
        return [*self.inputs, self.targets, self.sample_weight]

    def take(self, cases: np.ndarray) -> Dataset:
        """Some of the cases, by their indices; of a file they are not read."""
        *inputs, targets, sample_weight = (array[cases] for array in self.arrays())
        return Dataset(inputs, targets, sample_weight, self.prepare)

    def read(self, cases: np.ndarray) -> Dataset:
        """Some of the cases, in memory."""
        some = self.take(cases)
        if self.prepare is None:
            return some
        return Dataset(self.prepare(some.inputs[0].read()), some.targets, some.sample_weight)
