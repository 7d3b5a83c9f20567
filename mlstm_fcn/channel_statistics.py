"""Mean and standard deviation of each channel, for scaling."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from mlstm_fcn._warnings import warn

_BLOCK = 1 << 19  # values per block in statistics


def channel_statistics(chunks: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel over all values that are not missing, for scaling.

    Args:
        chunks: All series, as arrays of shape `(cases, time, channels)`.

    Returns:
        Two float32 arrays of shape `(channels,)`. The standard deviation of a channel that float32 cannot
        tell from a constant is 0. A channel with only missing values has mean 0 and standard deviation 0.
    """
    statistics = RunningStatistics()
    for series in chunks:
        statistics.add(series)
    return statistics.result()


class RunningStatistics:
    """The statistics of series that come in any number of parts.

    References:
        Chan, Golub, LeVeque: Algorithms for computing the sample variance, The American Statistician 37(3),
        1983: parts are merged by their counts, means and sums of squares.
    """

    def __init__(self) -> None:
        self._count: Any = 0
        self._mean: Any = 0.0
        self._squares: Any = 0.0

    def add(self, series: np.ndarray) -> None:
        """Take in some series, `(cases, time, channels)`."""
        for batch in _blocks(series):
            observed = ~np.isnan(batch)
            count = observed.sum(axis=(0, 1))
            total = np.sum(batch, axis=(0, 1), dtype=np.float64, where=observed)
            mean, both = total / np.maximum(count, 1), self._count + count
            share, step = count / np.maximum(both, 1), mean - self._mean
            self._squares += np.sum(np.square(batch - mean), axis=(0, 1), where=observed)
            self._squares += np.square(step) * self._count * share
            self._count, self._mean = both, self._mean + step * share

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, as of `channel_statistics`."""
        std = np.sqrt(self._squares / np.maximum(self._count, 1))
        constant = std <= np.finfo(np.float32).eps * np.abs(self._mean)
        return self._mean.astype(np.float32), np.where(constant, 0.0, std).astype(np.float32)


def warn_of_constant_channels(std: np.ndarray) -> None:
    """Warn about channels that are constant, or missing, in all training series.

    Args:
        std: Their standard deviations, shape `(channels,)`.

    Warns:
        UserWarning: If one is zero.
    """
    constant = np.flatnonzero(std == 0).tolist()
    if constant:
        text = (
            f"The network ignores channels that are constant or missing in all training series: {constant}. "
            "Train on series in which they vary, or leave them out."
        )
        warn(text)


def _blocks(series: np.ndarray) -> Iterable[np.ndarray]:
    """Divide series into blocks of some megabytes, since float64 statistics copy their input."""
    size = max(1, _BLOCK // max(1, series[0].size))
    return (series[start : start + size] for start in range(0, len(series), size))
