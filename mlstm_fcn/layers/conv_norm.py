"""Convolution over time and batch normalisation, as one layer, so that each can be done in one pass."""

import keras
from keras import ops

from mlstm_fcn import engine
from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn.layers.convolution import convolve_in_parts


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
        strides: Steps from one output to the next, a positive integer.
        dilation_rate: Steps from one element of a filter to the next, a positive integer. Or several: the
            filters are divided among them, the first ones have the first, so that the layer sees several
            scales at the cost of one.
        groups: Number of groups of channels that are convolved apart; divides channels and filters. As many
            as both of them make the convolution depthwise.
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
        Tensor of shape `(batch, ceil(time / strides), filters)`, of which step `t` is valid where step
        `strides * t` of the input is; what it has at other steps means nothing.

    Raises:
        ValueError: If a size is not a positive integer, `groups` does not divide channels or filters, or
            there are several dilations beside groups or for too few filters.

    References:
        Wang, Yan, Oates: Time series classification from scratch, arXiv 1611.06455; Ioffe, Szegedy: Batch
        normalization, arXiv 1502.03167, algorithms 1 and 2.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        dilation_rate: int | tuple[int, ...] = 1,
        groups: int = 1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        kernel_initializer: str | keras.initializers.Initializer = "he_uniform",
        **kwargs: object,
    ):
        sizes = {"filters": filters, "kernel_size": kernel_size, "strides": strides, "groups": groups}
        for size, value in sizes.items():
            require_positive_int(size, value)
        dilations = tuple(dilation_rate) if isinstance(dilation_rate, list | tuple) else (dilation_rate,)
        for value in dilations:
            require_positive_int("dilation_rate", value)
        rule = "`dilation_rate` must be one, or several for as many filters or more, without groups."
        fits = len(dilations) == 1 or (groups == 1 and 1 < len(dilations) <= filters)
        require(fits, rule, dilation_rate=dilation_rate, filters=filters, groups=groups)
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.dilation_rate = dilation_rate
        self._dilations = dilations
        self.groups = groups
        self.momentum = momentum
        self.epsilon = epsilon
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

    def build(self, input_shape):
        divides = input_shape[-1] % self.groups == self.filters % self.groups == 0
        rule = "`groups` must divide the number of channels and `filters`."
        require(divides, rule, groups=self.groups, channels=input_shape[-1], filters=self.filters)
        self.conv = keras.layers.Conv1D(  # holds the weights
            self.filters,
            self.kernel_size,
            padding="same",
            groups=self.groups,
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
        batch_norm = engine.current().fused_batch_norm(self.compute_dtype) if mask is None else None
        if batch_norm is not None:
            return self._fused(inputs, batch_norm)
        bias = ops.cast(self.conv.bias, self.compute_dtype)
        series = self._convolved(inputs, ops.cast(self.conv.kernel, self.compute_dtype)) + bias
        mask = mask if mask is None else mask[:, :: self.strides]
        return self.norm.call(series, training=True, mask=mask)  # its __call__ would hand the mask on

    def _convolved(self, inputs, kernel):
        return convolve_in_parts(inputs, kernel, self.strides, self._dilations)

    def _folded(self, inputs):
        scale = self.norm.gamma * ops.rsqrt(self.norm.moving_variance + self.epsilon)
        kernel = ops.cast(self.conv.kernel * scale, self.compute_dtype)
        offset = scale * (self.conv.bias - self.norm.moving_mean) + self.norm.beta
        return self._convolved(inputs, kernel) + ops.cast(offset, self.compute_dtype)

    def _fused(self, inputs, batch_norm):
        """The same in fewer passes; what the bias adds, the mean takes away, so its gradient is zero."""
        norm, series = self.norm, self._convolved(inputs, self.conv.kernel)
        beta = norm.beta + 0.0 * self.conv.bias  # optimizers complain of weights without a gradient
        output, mean, variance = batch_norm(series, norm.gamma, beta, self.epsilon)
        for moving, now in ((norm.moving_mean, mean + self.conv.bias), (norm.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1.0 - self.momentum))
        return output

    def compute_mask(self, inputs, mask=None):
        return None  # masks are handed on as tensors, not implicitly

    def compute_output_shape(self, input_shape):
        batch, time, _ = input_shape
        return batch, None if time is None else -(-time // self.strides), self.filters

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
