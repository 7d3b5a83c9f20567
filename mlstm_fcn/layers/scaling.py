"""Scaling, of each channel by given figures or of each series by its own."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from mlstm_fcn._checks import require


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class StandardizeChannels(keras.layers.Layer):
    """Subtracts a mean from each channel and divides it by a standard deviation.

    Unlike Keras' `Normalization` it has no least standard deviation, so the unit of the data does not
    matter: a channel in tesla may deviate by 1e-13. The figures are weights too, so that models which
    differ in them alone can share what is compiled.

    Args:
        mean: One number for each channel.
        std: One number for each channel, none of them zero.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.

    Returns:
        Tensor of that shape.

    Raises:
        ValueError: If there are not equally many of both, or a standard deviation is not positive.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], **kwargs: object):
        super().__init__(**kwargs)
        self.mean = [float(value) for value in mean]
        self.std = [float(value) for value in std]
        require(len(self.mean) == len(self.std), "`mean` and `std` must be equally many.", mean=mean, std=std)
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
    """Gives every channel of every series mean 0 and standard deviation 1 over its own values.

    A channel that is constant within a series becomes zero. NaN stays NaN and does not count.

    Args:
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.

    Returns:
        Tensor of that shape.
    """

    def call(self, inputs):
        missing = ops.isnan(inputs)
        observed = ops.cast(ops.logical_not(missing), inputs.dtype)
        count = ops.maximum(ops.sum(observed, axis=1, keepdims=True), 1.0)
        known = ops.where(missing, 0.0, inputs)
        mean = ops.sum(known, axis=1, keepdims=True) / count
        centred = (known - mean) * observed
        # Dividing by the largest value first keeps the squares within the range of floating point.
        largest = ops.max(ops.abs(centred), axis=1, keepdims=True)
        constant = largest <= 1e-6 * ops.abs(mean)  # what float32 leaves of a constant
        relative = centred / ops.where(constant, 1.0, largest)
        std = ops.sqrt(ops.sum(ops.square(relative), axis=1, keepdims=True) / count)
        scaled = ops.where(constant, 0.0, relative / ops.where(constant, 1.0, std))
        return ops.where(missing, float("nan"), scaled)

    def compute_output_shape(self, input_shape):
        return input_shape
