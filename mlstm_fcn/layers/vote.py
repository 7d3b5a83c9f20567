"""A weighted mean of several tensors."""

import keras
import numpy as np
from keras import ops

from mlstm_fcn._checks import require


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class WeightedVote(keras.layers.Layer):
    """The weighted mean of tensors of one shape; training does not change the weights.

    Args:
        shares: The weight of each tensor, positive or zero, with sum 1.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: A list of tensors.

    Returns:
        Tensor of their shape.

    Raises:
        ValueError: If a share is negative, or they do not sum to 1.
    """

    def __init__(self, shares: tuple[float, ...], **kwargs: object):
        super().__init__(**kwargs)
        self.shares = tuple(float(share) for share in shares)
        good = min(self.shares, default=-1) >= 0 and abs(sum(self.shares) - 1) < 1e-6
        require(good, "`shares` must not be negative, and must sum to 1.", shares=shares)

    def build(self, input_shape):
        # A weight, so that models that differ in their shares alone have one architecture.
        self._weights_of_inputs = self.add_weight(
            (len(self.shares),), initializer="zeros", trainable=False, name="shares"
        )
        self._weights_of_inputs.assign(np.array(self.shares, np.float32))

    def call(self, inputs):
        shares = ops.cast(self._weights_of_inputs, inputs[0].dtype)
        return sum(shares[number] * vote for number, vote in enumerate(inputs))

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "shares": self.shares}
