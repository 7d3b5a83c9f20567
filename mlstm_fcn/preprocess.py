"""From the user's containers to the arrays that networks read."""

import numpy as np

from mlstm_fcn._checks import require


def to_batch(X: np.ndarray) -> np.ndarray:
    """The one transpose: series as users have them to series as networks read them.

    Args:
        X: Array of shape `(cases, channels, time)`.

    Returns:
        A contiguous float32 array of shape `(cases, time, channels)`.

    Raises:
        ValueError: If a value is NaN or infinite, also as float32.
    """
    with np.errstate(over="ignore"):
        batch = np.ascontiguousarray(np.swapaxes(X, 1, 2), dtype=np.float32)
    finite = np.isfinite(batch)
    if not finite.all():
        case, time, channel = np.argwhere(~finite)[0].tolist()
        value = float(X[case, channel, time])
        require(
            False,
            f"Every value of X must be a finite number that float32 can hold; {(~finite).sum()} are not.",
            **{f"X[{case}, {channel}, {time}]": value},
        )
    return batch


def channel_statistics(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel over all cases and steps, for scaling.

    Args:
        batch: Array of shape `(cases, time, channels)`.

    Returns:
        Two float32 arrays of shape `(channels,)`; a channel that is constant has standard deviation 1,
        so that scaling makes it zero.
    """
    mean = batch.mean(axis=(0, 1), dtype=np.float64)
    std = batch.std(axis=(0, 1), dtype=np.float64)
    constant = std <= np.finfo(np.float32).eps * np.abs(mean)
    return mean.astype(np.float32), np.where(constant, 1.0, std).astype(np.float32)
