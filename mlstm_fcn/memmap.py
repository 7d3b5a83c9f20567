"""Series in a file that is larger than what one wants in memory: read a few at a time."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.preprocess import lengths, to_batch, with_length

LARGE = 1 << 28  # bytes; a smaller file is read whole, which is faster
_CHUNK = 1 << 25


def is_large(X: Any) -> bool:
    """Whether X is memory-mapped and so large that it is read a few series at a time."""
    return isinstance(X, np.memmap) and X.nbytes > LARGE


class MemmapSeries:
    """Some series of a memory-mapped array, `(cases, time, channels)` to whoever asks, but not read yet.

    Args:
        array: A `numpy.memmap` of shape `(cases, channels, time)` or `(cases, time)`.
        cases: Indices of the series; None for all.
        time: The length that they are cut or padded to; None for the array's.
    """

    def __init__(self, array: Any, cases: np.ndarray | None = None, time: int | None = None):
        require(
            array.ndim in (2, 3), "X must be (cases, channels, time) or (cases, time).", shape=array.shape
        )
        rule = (
            "A large file must hold one series after the other (C order), or each batch would read all of it."
        )
        outermost = abs(array.strides[0]) == max(map(abs, array.strides))
        require(outermost or len(array) == 1, rule, shape=array.shape, strides=array.strides)
        self._array = array if array.ndim == 3 else array[:, None]
        self._cases = np.arange(len(array)) if cases is None else cases
        _, channels, steps = self._array.shape
        self.shape = len(self._cases), time or steps, channels

    def __len__(self) -> int:
        return len(self._cases)

    def __getitem__(self, cases: Any) -> MemmapSeries:
        """Some of the series, not read either."""
        return MemmapSeries(self._array, self._cases[cases], self.shape[1])

    def trimmed(self) -> MemmapSeries:
        """The series without the steps that are padding in all of them; this reads them once.

        Raises:
            ValueError: As `to_batch`.
        """
        return self.with_length(max(int(lengths(chunk).max()) for chunk in self.chunks()))

    def with_length(self, time: int) -> MemmapSeries:
        """The series cut, or padded with NaN, to a length."""
        return MemmapSeries(self._array, self._cases, time)

    def read(self) -> np.ndarray:
        """The series, float32 `(cases, time, channels)`.

        Raises:
            ValueError: As `to_batch`.
        """
        try:
            return with_length(to_batch(self._array[self._cases], self._cases), self.shape[1])
        finally:
            self._forget()

    def chunks(self) -> Iterator[np.ndarray]:
        """All series in turn, read some megabytes at a time."""
        n_cases = max(1, _CHUNK // (self._array[0].size * self._array.itemsize))
        for start in range(0, len(self), n_cases):
            yield self[start : start + n_cases].read()

    def _forget(self):
        """Pages that were read would stay in the process; they are never lost if the file has them."""
        mapping: Any = getattr(self._array, "_mmap", None)
        if hasattr(mapping, "madvise") and self._array.mode != "c":  # "c": changes are in memory only
            mapping.madvise(mmap.MADV_DONTNEED)


def chunks(batch: np.ndarray | MemmapSeries) -> Iterator[np.ndarray]:
    """Series in memory at once, others in turn, as arrays `(cases, time, channels)`."""
    return batch.chunks() if isinstance(batch, MemmapSeries) else iter([batch])
