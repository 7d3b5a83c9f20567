"""Series in a large memory-mapped file, read batch by batch."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.preprocess import lengths, to_batch, with_length

LARGE = 1 << 28  # bytes; a smaller file is read at once, which is faster
_CHUNK = 1 << 23  # bytes
_KEPT = 1 << 30  # bytes; of a larger file no page that was read stays in the process's memory


def is_large(X: Any) -> bool:
    """Whether X is memory-mapped and large enough to be read batch by batch."""
    return isinstance(X, np.memmap) and X.nbytes > LARGE


class MemmapSeries:
    """A lazy selection of series of a memory-mapped array, with shape `(cases, time, channels)`.

    Args:
        array: A `numpy.memmap` of shape `(cases, channels, time)` or `(cases, time)`.
        cases: Indices of the series. If not given, all.
        time: The length to cut or pad the series to. If not given, the array's length.
    """

    def __init__(self, array: Any, cases: np.ndarray | None = None, time: int | None = None):
        require(
            array.ndim in (2, 3), "X must be (cases, channels, time) or (cases, time).", shape=array.shape
        )
        rule = "A large file must store one series after the other (C order), or each batch reads all of it."
        outermost = abs(array.strides[0]) == max(map(abs, array.strides))
        require(outermost or len(array) == 1, rule, shape=array.shape, strides=array.strides)
        self._array = array if array.ndim == 3 else array[:, None]
        self._cases = np.arange(len(array)) if cases is None else cases
        _, channels, steps = self._array.shape
        self.shape: tuple[int, int, int] = len(self._cases), time or steps, channels

    def __len__(self) -> int:
        return len(self._cases)

    def __getitem__(self, cases: Any) -> MemmapSeries:
        """Select series without reading them."""
        return MemmapSeries(self._array, self._cases[cases], self.shape[1])

    def trimmed(self) -> MemmapSeries:
        """The series without their common padding. This reads all of them once.

        Raises:
            ValueError: As in `to_batch`.
        """
        return self.with_length(max(int(lengths(chunk).max()) for chunk in self.chunks()))

    def with_length(self, time: int) -> MemmapSeries:
        """The series, cut or padded with NaN to a length."""
        return MemmapSeries(self._array, self._cases, time)

    def read(self) -> np.ndarray:
        """Read the series, float32 `(cases, time, channels)`.

        Raises:
            ValueError: As in `to_batch`.
        """
        try:
            return with_length(to_batch(self._array[self._cases], self._cases), self.shape[1])
        finally:
            self._release_pages()

    def chunks(self) -> Iterator[np.ndarray]:
        """Read all series in chunks of some megabytes."""
        n_cases = max(1, _CHUNK // (self._array[0].size * self._array.itemsize))
        for start in range(0, len(self), n_cases):
            yield self[start : start + n_cases].read()

    def _release_pages(self):
        """Release what was read of a very large file from the process's memory. The file still has it.

        Reading a page again costs more than copying it.
        """
        mapping: Any = getattr(self._array, "_mmap", None)
        keeps_changes = self._array.mode == "c"  # which memory alone has
        if hasattr(mapping, "madvise") and len(mapping) > _KEPT and not keeps_changes:
            mapping.madvise(mmap.MADV_DONTNEED)


def chunks(batch: np.ndarray | MemmapSeries) -> Iterator[np.ndarray]:
    """Yield arrays `(cases, time, channels)`: an array in one chunk, memory-mapped series in several."""
    return batch.chunks() if isinstance(batch, MemmapSeries) else iter([batch])
