"""Missing values and the ends of series, inside the graph."""

import keras
from keras import ops

from mlstm_fcn._checks import require_choice

METHODS = ("interpolate", "zero")


def valid_steps(series):
    """Which steps belong to a series: all up to the last one at which some channel is not NaN.

    Args:
        series: Tensor of shape `(batch, time, channels)`, NaN where nothing was measured.

    Returns:
        Boolean tensor of shape `(batch, time)`.
    """
    observed = ops.any(ops.logical_not(ops.isnan(series)), axis=-1)
    seen_from_the_end = ops.cumsum(ops.cast(ops.flip(observed, axis=1), "int32"), axis=1)
    return ops.flip(seen_from_the_end, axis=1) > 0


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class FillMissing(keras.layers.Layer):
    """Replaces NaN within a channel.

    Args:
        method: `"interpolate"`: linearly in time between the values before and after; before the first
            and after the last value that one holds; a channel without any value becomes zero.
            `"zero"`: by zero.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.

    Returns:
        Tensor of that shape without NaN.

    Raises:
        ValueError: If the method is unknown.

    Example:
        >>> import numpy as np
        >>> series = np.array([[[1.0], [np.nan], [3.0]]], "float32")
        >>> FillMissing()(series)[0, :, 0].numpy().tolist()
        [1.0, 2.0, 3.0]
    """

    def __init__(self, method: str = "interpolate", **kwargs: object):
        require_choice("method", method, METHODS)
        super().__init__(**kwargs)
        self.method = method

    def call(self, inputs):
        observed = ops.logical_not(ops.isnan(inputs))
        zeros = ops.where(observed, inputs, 0.0)
        if self.method == "zero":
            return zeros
        return ops.where(observed, inputs, _interpolated(zeros, observed))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "method": self.method}


def _interpolated(values, observed):
    """The line through the nearest observed values before and after each step."""
    time = ops.shape(values)[1]
    steps = ops.reshape(ops.arange(time, dtype="int32"), (1, -1, 1)) + ops.zeros_like(values, dtype="int32")
    # The places of observed values come first in this order, so the k-th of them stands at position k.
    places = ops.argsort(ops.where(observed, steps, steps + time), axis=1)
    n_up_to = ops.cumsum(ops.cast(observed, "int32"), axis=1)
    last = ops.maximum(n_up_to[:, -1:] - 1, 0)
    before = ops.take_along_axis(places, ops.clip(n_up_to - 1, 0, last), axis=1)
    after = ops.take_along_axis(places, ops.minimum(n_up_to, last), axis=1)
    left, right = ops.take_along_axis(values, before, axis=1), ops.take_along_axis(values, after, axis=1)
    share = ops.cast(steps - before, values.dtype) / ops.cast(ops.maximum(after - before, 1), values.dtype)
    return left + (right - left) * ops.clip(share, 0.0, 1.0)
