"""Scaling of each series by itself."""

import keras
from keras import ops


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
        squares = ops.where(observed, ops.square(centred), 0.0)
        std = ops.sqrt(ops.sum(squares, axis=1, keepdims=True) / count)
        constant = std <= 1e-6 * ops.abs(mean)  # what float32 leaves of a constant
        return ops.where(constant, centred * 0.0, centred / ops.where(constant, 1.0, std))

    def compute_output_shape(self, input_shape):
        return input_shape
