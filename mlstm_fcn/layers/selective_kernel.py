"""Selective kernel convolution for sequences (Li et al. 2019)."""

import keras
from keras import ops

from mlstm_fcn._checks import require_positive_int
from mlstm_fcn.layers.conv_norm import ConvNorm1D


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class SelectiveKernel1D(keras.layers.Layer):
    """Convolutions with several kernel sizes, weighted for each filter of each series by attention.

    For an input `x` of shape `(batch, time, channels)` and branches `i = 1, ..., m`::

        u_i = relu(batch_norm(conv(x, W_i)))               (split)     (batch, time, filters)
        s = mean over time of (u_1 + ... + u_m)            (fuse)      (batch, filters)
        z = relu(batch_norm(W s))                                      (batch, d)
        a_i = exp(A_i z) / (exp(A_1 z) + ... + exp(A_m z)) (select)    (batch, filters)
        output = a_1 u_1 + ... + a_m u_m                               (batch, time, filters)

    where `W_i` has `kernel_size` elements and dilation `i dilation_rate`, so two branches with 3 elements
    stand for kernels of 3 and 5 steps, and `d = max(filters // reduction, minimum)`.

    Args:
        filters: Number of filters, a positive integer.
        kernel_size: Number of elements of each kernel, a positive integer.
        branches: Number `m` of branches, a positive integer; branch `i` has dilation `i dilation_rate`.
        groups: Number of groups of the convolutions; must divide channels and filters.
        reduction: Ratio `r` of the bottleneck, a positive integer.
        minimum: Minimum width `L` of the bottleneck, a positive integer.
        momentum: Momentum of the moving statistics.
        dilation_rate: Dilation of the first branch, a positive integer.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.
        training: Whether to use the statistics of the batch and to update the moving ones.
        mask: Optional tensor of shape `(batch, time)`, true at valid steps; at least one per series.

    Returns:
        Tensor of shape `(batch, time, filters)`; the values at invalid steps are arbitrary.

    Raises:
        ValueError: If a size is not a positive integer, or `groups` does not divide channels or filters.

    References:
        Li, Wang, Hu, Yang: Selective Kernel Networks, arXiv 1903.06586, section 3.1, equations 1 to 6.
    """

    suits_16_bits = True

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        branches: int = 2,
        groups: int = 1,
        reduction: int = 16,
        minimum: int = 32,
        momentum: float = 0.99,
        dilation_rate: int = 1,
        **kwargs: object,
    ):
        sizes = {"filters": filters, "kernel_size": kernel_size, "branches": branches, "groups": groups}
        sizes |= {"reduction": reduction, "minimum": minimum, "dilation_rate": dilation_rate}
        for size, value in sizes.items():
            require_positive_int(size, value)
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.branches = branches
        self.groups = groups
        self.reduction = reduction
        self.minimum = minimum
        self.momentum = momentum
        self.dilation_rate = dilation_rate
        self.supports_masking = True

    def build(self, input_shape):
        width, policy = max(self.filters // self.reduction, self.minimum), self.dtype_policy
        self._convs = [
            ConvNorm1D(
                self.filters,
                self.kernel_size,
                dilation_rate=branch * self.dilation_rate,
                groups=self.groups,
                momentum=self.momentum,
                dtype=policy,
                name=f"branch_{branch}",
            )
            for branch in range(1, self.branches + 1)
        ]
        self._mean = keras.layers.GlobalAveragePooling1D(data_format="channels_last", dtype=policy)
        whole = self.variable_dtype  # weights of branches in float32 where the series has 16 bits
        self._fuse = keras.layers.Dense(width, use_bias=False, dtype=whole, name="fuse")
        self._norm = keras.layers.BatchNormalization(momentum=self.momentum, dtype=whole, name="fuse_norm")
        self._select = keras.layers.Dense(
            self.branches * self.filters, use_bias=False, dtype=whole, name="select"
        )
        for conv in self._convs:
            conv.build(input_shape)
        self._fuse.build((None, self.filters))
        self._norm.build((None, width))
        self._select.build((None, width))

    @property
    def convolutions(self):
        """The convolutions of the branches."""
        return tuple(self._convs)

    @property
    def dense(self):
        """The dense layers of `W` and of all `A`."""
        return self._fuse, self._select

    def call(self, inputs, training=None, mask=None):
        branches = self._split(inputs, training, mask)
        weights = ops.cast(self._weights(branches, training, mask), self.compute_dtype)
        return sum(ops.expand_dims(weights[:, i], 1) * branch for i, branch in enumerate(branches))

    def branch_weights(self, inputs, mask=None):
        """The weights `a`, shape `(batch, branches, filters)`; they sum to 1 over branches."""
        return self._weights(self._split(inputs, False, mask), False, mask)

    def _split(self, inputs, training, mask):
        return [ops.relu(conv(inputs, training=training, mask=mask)) for conv in self._convs]

    def _weights(self, branches, training, mask):
        squeezed = self._mean(sum(branches), mask=mask)
        fused = ops.relu(self._norm(self._fuse(squeezed), training=training))
        return ops.softmax(ops.reshape(self._select(fused), (-1, self.branches, self.filters)), axis=1)

    def compute_mask(self, inputs, mask=None):
        return None  # masks are passed as tensors, not implicitly

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "branches": self.branches,
            "groups": self.groups,
            "reduction": self.reduction,
            "minimum": self.minimum,
            "momentum": self.momentum,
            "dilation_rate": self.dilation_rate,
        }
