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
    matter: a channel in tesla may deviate by 1e-13. The figures are weights too, so that models which differ
        in
    them alone can share what is compiled.

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
        observed = ops.logical_not(ops.isnan(inputs))
        count = ops.maximum(ops.sum(ops.cast(observed, inputs.dtype), axis=1, keepdims=True), 1.0)
        mean = ops.sum(ops.where(observed, inputs, 0.0), axis=1, keepdims=True) / count
        centred = inputs - mean
        # Dividing by the largest value first keeps the squares within the range of floating point.
        largest = ops.max(ops.where(observed, ops.abs(centred), 0.0), axis=1, keepdims=True)
        constant = largest <= 1e-6 * ops.abs(mean)  # what float32 leaves of a constant
        relative = centred / ops.where(constant, 1.0, largest)
        squares = ops.where(observed, ops.square(relative), 0.0)
        std = ops.sqrt(ops.sum(squares, axis=1, keepdims=True) / count)
        return ops.where(constant, centred * 0.0, relative / ops.where(constant, 1.0, std))

    def compute_output_shape(self, input_shape):
        return input_shape
