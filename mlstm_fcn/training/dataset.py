"""What networks are trained and tested on, and how steps read it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

_AT_ONCE = 1 << 21  # values of series in a read: 8 MiB


@dataclass(frozen=True)
class Dataset:
    """Series, targets and weights.

    Attributes:
        inputs: One array for each input of the network: series `(cases, time, channels)`, and perhaps a mask.
            Or memory-mapped series, or those of a loader.
        targets: Shape `(cases, outputs)`, float32.
        sample_weight: Weight of each case in loss and metrics, shape `(cases,)`, float32.
        prepare: Turns series of a file or loader, once read, into the network's inputs; None for arrays.
        encode: Turns targets and weights of a loader, once read, into those of training; None without loader.
    """

    inputs: list[Any]
    targets: np.ndarray
    sample_weight: np.ndarray
    prepare: Callable[[np.ndarray], list[np.ndarray]] | None = None
    encode: Callable[[Any, Any], tuple[np.ndarray, np.ndarray]] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def arrays(self) -> list[np.ndarray]:
        """All arrays, the inputs first."""
        return [*self.inputs, self.targets, self.sample_weight]

    def take(self, cases: np.ndarray) -> Dataset:
        """Some of the cases, by index; memory-mapped series are not read yet."""
        *inputs, targets, sample_weight = (array[cases] for array in self.arrays())
        return Dataset(inputs, targets, sample_weight, self.prepare, self.encode)

    def read(self, cases: np.ndarray) -> Dataset:
        """Some of the cases, in memory; of a loader, whatever their numbers, the next ones."""
        if self.encode is not None:
            return self._loaded(*self.inputs[0].following(len(cases)))
        some = self.take(cases)
        if self.prepare is None:
            return some
        return Dataset(self.prepare(some.inputs[0].read()), some.targets, some.sample_weight)

    def first(self) -> Dataset:
        """One case, in memory, without moving on in a loader."""
        if self.encode is not None:
            return self._loaded(*self.inputs[0].first(1))
        return self.read(np.arange(1))

    def _loaded(self, series: np.ndarray, targets: Any, weights: Any) -> Dataset:
        inputs = [series] if self.prepare is None else self.prepare(series)
        return Dataset(inputs, *(self.encode(targets, weights) if self.encode else (targets, weights)))


class BatchSource:
    """A dataset as training steps read it. See `engine.Source`.

    Args:
        dataset: The dataset.
        change: Changes the cases of each step, as augmentation does; None leaves them as they are.
    """

    def __init__(self, dataset: Dataset, change: Callable[[Dataset], Dataset] | None = None):
        self.dataset = dataset
        self.resident: bool = dataset.prepare is None and change is None
        n_values = math.prod(dataset.inputs[0].shape[1:])
        self.at_once: int = 1 if change else max(1, _AT_ONCE // n_values)
        self._change = change
        self._placed: Any = None

    def __len__(self) -> int:
        return len(self.dataset)

    def read(self, cases: np.ndarray) -> list[np.ndarray]:
        """Arrays of some cases, in memory."""
        some = self.dataset.read(cases)
        return (self._change(some) if self._change else some).arrays()

    def sample(self) -> list[np.ndarray]:
        """Arrays of one case as it is, to learn shapes and types from."""
        return self.dataset.first().arrays()

    def on_device(self, place: Callable[[list[Any]], Any]) -> Any:
        """All arrays as `place` puts them on the device, once."""
        if self._placed is None:
            self._placed = place(self.dataset.arrays())
        return self._placed
