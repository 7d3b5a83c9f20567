"""Warnings about series and targets that can be fitted, but are seldom meant so."""

import numpy as np

from mlstm_fcn._warnings import warn
from mlstm_fcn.preprocess import Container, as_numbers, channels_of

_COARSE = 2.0**-13  # range of a channel over its largest value; float32 resolves it into about 2000 values


def warn_of_layout(shape: tuple[int, ...]) -> None:
    """Warn about series of a shape `(cases, channels, time)` with more channels than steps.

    Warns:
        UserWarning: If so; its axes may be `(cases, time, channels)`.
    """
    if len(shape) == 3 and shape[1] > shape[2]:
        text = (
            f"X is read as (cases, channels, time): {shape[1]} channels of {shape[2]} steps. If it is "
            "(cases, time, channels), give `X.transpose(0, 2, 1)` here and in `predict`."
        )
        warn(text)


def warn_of_coarse_channels(X: Container) -> None:
    """Warn about channels that are so far from zero that float32 loses most of their variation.

    Args:
        X: As in `to_batch`.

    Warns:
        UserWarning: Once for each such channel.
    """
    is_array = isinstance(X, np.ndarray)
    arrays = [as_numbers(X)] if is_array else [channels_of(frame)[None] for frame in X]
    low, high = (
        reduce([reduce(array, axis=(0, 2)).astype(np.float64) for array in arrays])
        for reduce in (np.fmin.reduce, np.fmax.reduce)
    )
    for channel in range(len(low)):
        _warn_if_coarse(float(low[channel]), float(high[channel]), f"in channel {channel}")


def warn_of_coarse_targets(y: np.ndarray) -> None:
    """The same for regression targets, shape `(cases,)`."""
    _warn_if_coarse(float(y.min()), float(y.max()), "between the targets")


def _warn_if_coarse(low: float, high: float, where: str) -> None:
    if low < high and high - low < _COARSE * max(abs(low), abs(high)):
        text = (
            f"Networks compute in float32, which keeps little of the differences {where}, from {low!r} to "
            f"{high!r}; subtract a constant, such as their mean, first."
        )
        warn(text)
