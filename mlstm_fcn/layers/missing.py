"""Filling in missing values, and the mask of valid steps, inside the graph."""

import keras
from keras import ops

from mlstm_fcn._checks import require_choice
from mlstm_fcn._options import FILL_METHODS
from mlstm_fcn.layers.tensor import Tensor


def valid_steps(series: Tensor) -> Tensor:
    """The mask of valid steps: all up to the last one at which some channel is not NaN.

    Args:
        series: Tensor of shape `(batch, time, channels)`, NaN at missing values.

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
        method: `"interpolate"`: linear interpolation in time; before the first and after the last value, that
            value; zero in a channel without any value. `"zero"`: zero.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.

    Returns:
        Tensor of the shape of `inputs`, without NaN.

    Raises:
        ValueError: If the method is unknown.

    Example:
        >>> import numpy as np
        >>> series = np.array([[[1.0], [np.nan], [3.0]]], "float32")
        >>> FillMissing()(series)[0, :, 0].numpy().tolist()
        [1.0, 2.0, 3.0]
    """

    def __init__(self, method: str = "interpolate", **kwargs: object):
        require_choice("method", method, FILL_METHODS)
        super().__init__(**kwargs)
        self.method = method

    def call(self, inputs):
        if self.method == "zero":
            return ops.where(ops.isnan(inputs), 0.0, inputs)
        return _time_last(_interpolated(_time_last(inputs)))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "method": self.method}


def _interpolated(series):
    """Fill in `(batch, channels, time)` by the line through the nearest values before and after each step."""
    missing = ops.isnan(series)
    observed = ops.logical_not(missing)
    values = ops.where(missing, 0.0, series)  # `where(observed, ...)` becomes a product in ONNX
    time = ops.shape(values)[2]
    steps = ops.broadcast_to(ops.arange(time, dtype="int32"), ops.shape(values))
    # Sorted so that observed values come first: the k-th observed value is at position k.
    places = ops.argsort(ops.where(observed, steps, steps + time), axis=2)
    n_up_to = ops.cumsum(ops.cast(observed, "int32"), axis=2)
    last = ops.maximum(n_up_to[:, :, -1:] - 1, 0)
    before = ops.take_along_axis(places, ops.clip(n_up_to - 1, 0, last), axis=2)
    after = ops.take_along_axis(places, ops.minimum(n_up_to, last), axis=2)
    left, right = ops.take_along_axis(values, before, axis=2), ops.take_along_axis(values, after, axis=2)
    share = ops.cast(steps - before, values.dtype) / ops.cast(ops.maximum(after - before, 1), values.dtype)
    return ops.where(observed, values, left + (right - left) * ops.clip(share, 0.0, 1.0))


def _time_last(tensor):
    """`(batch, time, channels)` to `(batch, channels, time)`, and back."""
    return ops.transpose(tensor, (0, 2, 1))
