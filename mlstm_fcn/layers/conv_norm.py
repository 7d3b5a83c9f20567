"""Convolution over time and batch normalisation, as one layer, so that each can be done in one pass."""

import keras
from keras import ops

from mlstm_fcn import _tensorflow
from mlstm_fcn._checks import require_positive_int


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class ConvNorm1D(keras.layers.Layer):
    """Convolution over time, then batch normalisation of each filter.

    In training, with `m` and `v` the mean and variance of `u` over batch and valid steps::

        u = conv(x, W) + b                               (batch, time, filters)
        output = gamma (u - m) / sqrt(v + epsilon) + beta

    At inference `m` and `v` are the moving ones, and the normalisation is folded into the convolution: with
    `s = gamma / sqrt(v + epsilon)`, `output = conv(x, s W) + s (b - m) + beta`.

    Args:
        filters: Number of filters, a positive integer.
        kernel_size: Their length in steps, a positive integer.
        momentum: Share of the old moving statistics that one training step keeps.
        epsilon: Added to the variance.
        kernel_initializer: Initializer of `W`.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.
        training: Whether to use, and take note of, the statistics of the batch.
        mask: Optional tensor of shape `(batch, time)`, true where a step is valid. Steps that are not valid
            are read as zeros, as if the series ended there, and do not enter the statistics.

    Returns:
        Tensor of shape `(batch, time, filters)`; what it has at steps that are not valid means nothing.

    Raises:
        ValueError: If a size is not a positive integer.

    References:
        Wang, Yan, Oates: Time series classification from scratch, arXiv 1611.06455; Ioffe, Szegedy: Batch
        normalization, arXiv 1502.03167, algorithms 1 and 2.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        kernel_initializer: str | keras.initializers.Initializer = "he_uniform",
        **kwargs: object,
    ):
        require_positive_int("filters", filters)
        require_positive_int("kernel_size", kernel_size)
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.momentum = momentum
        self.epsilon = epsilon
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

    def build(self, input_shape):
        self.conv = keras.layers.Conv1D(
            self.filters,
            self.kernel_size,
            padding="same",
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name="conv",
        )
        self.norm = keras.layers.BatchNormalization(
            momentum=self.momentum, epsilon=self.epsilon, dtype=self.dtype_policy, name="batch_norm"
        )
        self.conv.build(input_shape)
        self.norm.build((*input_shape[:-1], self.filters))

    def call(self, inputs, training=None, mask=None):
        if mask is not None:
            inputs = ops.where(ops.expand_dims(mask, -1), inputs, ops.cast(0, inputs.dtype))
        if not (training and self.trainable):
            return self._folded(inputs)
        if mask is None and self.compute_dtype == "float32" and _tensorflow.is_backend():
            return self._fused(inputs)
        return self.norm(self.conv(inputs), training=True, mask=mask)

    def _folded(self, inputs):
        scale = self.norm.gamma * ops.rsqrt(self.norm.moving_variance + self.epsilon)
        kernel = ops.cast(self.conv.kernel * scale, self.compute_dtype)
        offset = scale * (self.conv.bias - self.norm.moving_mean) + self.norm.beta
        return ops.conv(inputs, kernel, padding="same") + ops.cast(offset, self.compute_dtype)

    def _fused(self, inputs):
        """The same in fewer passes; what the bias adds, the mean takes away, so its gradient is zero."""
        norm, series = self.norm, ops.conv(inputs, self.conv.kernel, padding="same")
        beta = norm.beta + 0.0 * self.conv.bias  # optimizers complain of weights without a gradient
        output, mean, variance = _tensorflow.batch_norm(series, norm.gamma, beta, self.epsilon)
        for moving, now in ((norm.moving_mean, mean + self.conv.bias), (norm.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1.0 - self.momentum))
        return output

    def compute_mask(self, inputs, mask=None):
        return None  # masks are handed on as tensors, not implicitly

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
