"""First differences as further channels."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class AppendDifferences(keras.layers.Layer):
    """Appends the differences between neighbouring steps, scaled, as further channels.

    With `m` and `v` the mean and variance of the differences of each channel, over batch and valid steps in
    training and moving ones at inference::

        d[t] = x[t] - x[t - 1],  d[0] = 0
        output = [x, (d - m) / sqrt(v + epsilon)]

    Fast changes are small in a series that also changes slowly, and show better in the differences. Methods
    of random kernels use them too. `epsilon` keeps differences with a very small variance small.

    Args:
        momentum: Momentum of the moving statistics.
        epsilon: Added to the variance.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.
        training: Whether to use the statistics of the batch and to update the moving ones.
        mask: Optional tensor of shape `(batch, time)`, true at valid steps. Invalid steps do not enter the
            statistics.

    Returns:
        Tensor of shape `(batch, time, 2 channels)`; the values at invalid steps are arbitrary.

    References:
        Tan, Dempster, Bergmeir, Webb: MultiRocket, arXiv 2102.00457, which transforms the differences too.
    """

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, **kwargs: object):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon
        self.supports_masking = True

    def build(self, input_shape):
        self.norm = keras.layers.BatchNormalization(
            momentum=self.momentum,
            epsilon=self.epsilon,
            center=False,
            scale=False,
            dtype=self.dtype_policy,
            name="batch_norm",
        )
        self.norm.build(input_shape)

    def call(self, inputs, training=None, mask=None):
        steps = ops.pad(inputs[:, 1:] - inputs[:, :-1], [(0, 0), (1, 0), (0, 0)])
        training = bool(training and self.trainable)
        steps = self.norm.call(steps, training=training, mask=mask)  # its __call__ would attach the mask
        return ops.concatenate([inputs, steps], axis=-1)

    def compute_mask(self, inputs, mask=None):
        return None  # masks are passed as tensors, not implicitly

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 2 * input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}
