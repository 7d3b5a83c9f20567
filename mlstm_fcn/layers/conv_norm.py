"""Convolution over time and batch normalisation as one layer, which fuses or folds them."""

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

    At inference `m` and `v` are the moving statistics, and the normalisation is folded into the convolution:
    with `s = gamma / sqrt(v + epsilon)`, `output = conv(x, s W) + s (b - m) + beta`.

    Args:
        filters: Number of filters, a positive integer.
        kernel_size: Kernel size in steps, a positive integer.
        strides: Stride in steps, a positive integer.
        dilation_rate: Dilation in steps, a positive integer. Or a tuple of them, among which the filters are
            divided in order, so that the layer sees several scales at the cost of one.
        groups: Number of groups of a grouped convolution; must divide channels and filters. If it equals
            both, the convolution is depthwise.
        momentum: Momentum of the moving statistics.
        epsilon: Added to the variance.
        kernel_initializer: Initializer of `W`.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.
        training: Whether to use the statistics of the batch and to update the moving ones.
        mask: Optional tensor of shape `(batch, time)`, true at valid steps. Invalid steps are read as zeros,
            as if the series ended there, and do not enter the statistics.

    Returns:
        Tensor of shape `(batch, ceil(time / strides), filters)`. Step `t` is valid if step `strides * t` of
        the input is; the values at invalid steps are arbitrary.

    Raises:
        ValueError: If a size is not a positive integer, if `groups` does not divide channels or filters, or
            if there are more dilations than filters, or several dilations with `groups` above 1.

    References:
        Wang, Yan, Oates: Time series classification from scratch, arXiv 1611.06455; Ioffe, Szegedy: Batch
        normalization, arXiv 1502.03167, algorithms 1 and 2.
    """

    suits_16_bits = True

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
        rule = "`dilation_rate` must be an integer, or at most `filters` integers with `groups=1`."
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
        mask = mask if mask is None else mask[:, :: self.strides]
        batch_norm = engine.current().fused_batch_norm(self.compute_dtype)
        if batch_norm is not None:
            return self._fused(inputs, batch_norm, mask)
        bias = ops.cast(self.conv.bias, self.compute_dtype)
        series = self._convolved(inputs, ops.cast(self.conv.kernel, self.compute_dtype)) + bias
        return self.norm.call(series, training=True, mask=mask)  # its __call__ would attach the mask

    def _convolved(self, inputs, kernel):
        return convolve_in_parts(inputs, kernel, self.strides, self._dilations)

    def _folded(self, inputs):
        scale = self.norm.gamma * ops.rsqrt(self.norm.moving_variance + self.epsilon)
        kernel = ops.cast(self.conv.kernel * scale, self.compute_dtype)
        offset = scale * (self.conv.bias - self.norm.moving_mean) + self.norm.beta
        return self._convolved(inputs, kernel) + ops.cast(offset, self.compute_dtype)

    def _fused(self, inputs, batch_norm, mask):
        """Training in fewer passes. Subtracting the mean cancels the bias, so its gradient is zero."""
        norm, series = self.norm, self._convolved(inputs, self.conv.kernel)
        bias = ops.cast(self.conv.bias, norm.beta.dtype)
        beta = norm.beta + 0.0 * bias  # optimizers warn of weights without a gradient
        output, mean, variance = batch_norm(series, norm.gamma, beta, self.epsilon, mask)
        for moving, now in ((norm.moving_mean, mean + bias), (norm.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1.0 - self.momentum))
        return output

    def compute_mask(self, inputs, mask=None):
        return None  # masks are passed as tensors, not implicitly

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
