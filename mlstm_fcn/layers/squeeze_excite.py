"""Squeeze-and-excitation for sequences (Hu et al. 2018)."""

import keras
from keras import ops

from mlstm_fcn._checks import require_choice, require_positive_int
from mlstm_fcn.layers.pooling import max_over_time

SQUEEZES = ("mean", "max")
GATES = ("sigmoid", "tanh", "relu")


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class SqueezeExcite1D(keras.layers.Layer):
    """Scales every channel by a gate computed from all channels.

    For an input `u` of shape `(batch, time, channels)`, with `r` the reduction ratio::

        z = mean over time of u                (squeeze)       (batch, channels)
        s = gate(W2 relu(W1 z))                (excitation)    (batch, channels)
        output = s * u                         (scale)         (batch, time, channels)

    where `W1` maps `channels` to `max(1, channels // r)` and `W2` maps back.

    Args:
        reduction: Ratio `r` of the bottleneck, a positive integer.
        squeeze: Pooling over time, `"mean"` or `"max"`.
        gate: Activation of the excitation, `"sigmoid"`, `"tanh"` or `"relu"`.
        use_bias: Whether `W1` and `W2` have biases.
        kernel_initializer: Initializer of `W1` and `W2`.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.
        mask: Optional tensor of shape `(batch, time)`, true at valid steps. Invalid steps do not enter the
            squeeze. Every series must have at least one valid step.

    Returns:
        Tensor of the shape of `inputs`.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> import numpy as np
        >>> SqueezeExcite1D(reduction=4)(np.ones((2, 10, 8), "float32")).shape
        TensorShape([2, 10, 8])

    Deviations:
        `use_bias=False` and `kernel_initializer="he_normal"` follow the code of the authors of MLSTM-FCN.
        SENet's ablations (section 6) have no biases either; the paper does not state the initializer.

    References:
        Hu, Shen, Sun: Squeeze-and-Excitation Networks, arXiv 1709.01507, equations 2 to 4, and section 6
        for the options; Karim et al.: Multivariate LSTM-FCNs, arXiv 1801.04503, for one dimension.
    """

    suits_16_bits = True

    def __init__(
        self,
        reduction: int = 16,
        squeeze: str = "mean",
        gate: str = "sigmoid",
        use_bias: bool = False,
        kernel_initializer: str | keras.initializers.Initializer = "he_normal",
        **kwargs: object,
    ):
        require_positive_int("reduction", reduction)
        require_choice("squeeze", squeeze, SQUEEZES)
        require_choice("gate", gate, GATES)
        super().__init__(**kwargs)
        self.reduction = reduction
        self.squeeze = squeeze
        self.gate = gate
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

    def build(self, input_shape):
        channels = input_shape[-1]
        self._reduce = self._dense(max(1, channels // self.reduction), "relu", "reduce")
        self._expand = self._dense(channels, self.gate, "expand")
        self._mean = keras.layers.GlobalAveragePooling1D(data_format="channels_last", dtype=self.dtype_policy)
        self._reduce.build((None, channels))
        self._expand.build((None, self._reduce.units))

    def _dense(self, units: int, activation: str, name: str) -> keras.layers.Dense:
        return keras.layers.Dense(
            units,
            activation=activation,
            use_bias=self.use_bias,
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.variable_dtype,  # gates in float32 where the series has 16 bits
            name=name,
        )

    @property
    def dense(self):
        """The dense layers of `W1` and `W2`."""
        return self._reduce, self._expand

    def call(self, inputs, mask=None):
        gates = ops.cast(self.gates(inputs, mask), self.compute_dtype)
        return inputs * ops.expand_dims(gates, axis=1)

    def gates(self, inputs, mask=None):
        """The gates `s`, shape `(batch, channels)`: the factor of each channel."""
        squeezed = self._mean(inputs, mask=mask) if self.squeeze == "mean" else max_over_time(inputs, mask)
        return self._expand(self._reduce(squeezed))

    def compute_mask(self, inputs, mask=None):
        return None  # masks are passed as tensors, not implicitly

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "reduction": self.reduction,
            "squeeze": self.squeeze,
            "gate": self.gate,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
