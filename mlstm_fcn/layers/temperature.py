"""Probabilities at another temperature."""

import math

import keras
from keras import ops

from mlstm_fcn._checks import require

LEAST = 1e-7  # as in Keras' cross-entropy; a logarithm far below it would spoil the ranges of 8-bit exports


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class Temperature(keras.layers.Layer):
    """Probabilities `p` as `softmax(log(p) / temperature)`: of a softmax, its logits are divided.

    The most probable class stays. A temperature above 1 makes probabilities more equal, one below 1 less.
    Probabilities below 1e-7 count as 1e-7.

    Args:
        temperature: A positive number.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Probabilities, `(..., classes)`.

    Returns:
        Tensor of their shape.

    Raises:
        ValueError: If the temperature is not a positive, finite number.

    References:
        Guo et al.: On calibration of modern neural networks, arXiv 1706.04599, section 4.2.
    """

    def __init__(self, temperature: float, **kwargs: object):
        super().__init__(**kwargs)
        good = isinstance(temperature, int | float) and 0 < temperature < math.inf
        require(good, "`temperature` must be a positive number.", temperature=temperature)
        self.temperature = float(temperature)

    def call(self, inputs):
        return ops.softmax(ops.log(ops.maximum(inputs, LEAST)) / self.temperature, axis=-1)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}
