"""Resampling of series by linear interpolation."""

from math import ceil

import keras
from keras import ops

from mlstm_fcn._checks import require

_ROUNDING = 1e-4  # tolerance for rounding errors of a length that is a whole number


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class ResampleTime(keras.layers.Layer):
    """Resamples series to `factor` times their length by linear interpolation.

    Step `t` of the output is the series at `t / factor`, interpolated between its neighbours, or its last
    step beyond the end. It does not depend on the length of the series.

    Args:
        factor: Ratio of the new length to the old one, a positive number.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.
        mask: Optional tensor of shape `(batch, time)`, true at valid steps, which must be the first ones of
            each series. The last valid step is the end of the series.

    Returns:
        Tensor of shape `(batch, ceil(factor * time), channels)`.

    Raises:
        ValueError: If `factor` is not positive.
    """

    def __init__(self, factor: float, **kwargs: object):
        require(factor > 0, "`factor` must be positive.", factor=factor)
        super().__init__(**kwargs)
        self.factor = factor
        self.supports_masking = True

    def call(self, inputs, mask=None):
        time = ops.shape(inputs)[1]
        places = self._places(time)
        before = ops.cast(ops.floor(places), "int32")
        share = ops.cast(ops.reshape(places - ops.floor(places), (1, -1, 1)), inputs.dtype)
        after = ops.minimum(before + 1, time - 1)
        left, right = ops.take(inputs, before, axis=1), ops.take(inputs, after, axis=1)
        if mask is not None:
            there = ops.take(ops.cast(mask, "bool"), after, axis=1)
            right = ops.where(ops.expand_dims(there, -1), right, left)
        return left + share * (right - left)

    def _places(self, time):
        """The positions of the output's steps, in steps of the input."""
        if isinstance(time, int):
            longer = self._length(time)
        else:
            longer = ops.cast(ops.ceil(ops.cast(time, "float32") * self.factor - _ROUNDING), "int32")
        places = ops.cast(ops.arange(longer), "float32") / self.factor
        return ops.minimum(places, ops.cast(time - 1, "float32"))

    def _length(self, time):
        return ceil(time * self.factor - _ROUNDING)

    def compute_mask(self, inputs, mask=None):
        return None  # masks are passed as tensors, not implicitly

    def compute_output_shape(self, input_shape):
        batch, time, channels = input_shape
        return batch, None if time is None else self._length(time), channels

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
