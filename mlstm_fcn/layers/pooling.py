"""Pooling over time that padding does not change."""

from keras import ops

from mlstm_fcn.layers.tensor import Tensor


def max_over_time(series: Tensor, mask: Tensor | None = None) -> Tensor:
    """The maximum over valid steps.

    Args:
        series: Tensor of shape `(batch, time, channels)`.
        mask: Optional tensor of shape `(batch, time)`, true at valid steps; at least one per series.

    Returns:
        Tensor of shape `(batch, channels)`.
    """
    if mask is not None:
        valid = ops.expand_dims(ops.cast(mask, "bool"), -1)
        series = ops.where(valid, series, ops.cast(-float("inf"), series.dtype))
    return ops.max(series, axis=1)
