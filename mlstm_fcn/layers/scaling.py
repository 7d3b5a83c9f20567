"""Standardisation, of each channel by given statistics or of each series by its own."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from mlstm_fcn._checks import require


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class StandardizeChannels(keras.layers.Layer):
    """Subtracts a mean from each channel and divides by a standard deviation.

    Unlike Keras' `Normalization` it has no lower bound of the standard deviation, so the unit of the data
    does not matter: a channel in tesla may deviate by 1e-13. The statistics are weights too, so models that
    differ only in them share compiled functions.

    Args:
        mean: The mean of each channel.
        std: The standard deviation of each channel, positive.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.

    Returns:
        Tensor of the shape of `inputs`.

    Raises:
        ValueError: If `mean` and `std` have different lengths, or a standard deviation is not positive.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], **kwargs: object):
        super().__init__(**kwargs)
        self.mean = [float(value) for value in mean]
        self.std = [float(value) for value in std]
        rule = "`mean` and `std` must have the same length."
        require(len(self.mean) == len(self.std), rule, mean=mean, std=std)
        require(all(value > 0 for value in self.std), "`std` must be positive.", std=self.std)

    def build(self, input_shape):
        self._figures = []
        for name, figures in (("mean", self.mean), ("std", self.std)):
            weight = self.add_weight((len(figures),), initializer="zeros", trainable=False, name=name)
            weight.assign(np.array(figures, np.float32))
            self._figures.append(weight)

    def call(self, inputs):
        mean, std = (ops.cast(figures, inputs.dtype) for figures in self._figures)
        return (inputs - mean) / std

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "mean": self.mean, "std": self.std}


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class StandardizeSeries(keras.layers.Layer):
    """Standardises every channel of every series to mean 0 and standard deviation 1.

    A channel that is constant within a series becomes zero. NaN stays NaN and does not enter the statistics.

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.

    Returns:
        Tensor of the shape of `inputs`.
    """

    def call(self, inputs):
        missing = ops.isnan(inputs)
        observed = ops.cast(ops.logical_not(missing), inputs.dtype)
        count = ops.maximum(ops.sum(observed, axis=1, keepdims=True), 1.0)
        known = ops.where(missing, 0.0, inputs)
        mean = ops.sum(known, axis=1, keepdims=True) / count
        centred = (known - mean) * observed
        # Dividing by the largest value first keeps the squares within the range of float32.
        largest = ops.max(ops.abs(centred), axis=1, keepdims=True)
        constant = largest <= 1e-6 * ops.abs(mean)  # rounding errors of a constant in float32
        relative = centred / ops.where(constant, 1.0, largest)
        std = ops.sqrt(ops.sum(ops.square(relative), axis=1, keepdims=True) / count)
        scaled = ops.where(constant, 0.0, relative / ops.where(constant, 1.0, std))
        return ops.where(missing, float("nan"), scaled)

    def compute_output_shape(self, input_shape):
        return input_shape
