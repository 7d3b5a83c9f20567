"""An LSTM whose every step attends to the whole sequence (Karim et al. 2017)."""

import keras
from keras import ops

from mlstm_fcn._checks import require_positive_int


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class AttentionLSTM(keras.layers.Layer):
    """LSTM with additive (Bahdanau) attention over its inputs inside the cell.

    At step `t`, with `x_j` the inputs of the sequence and `h`, `c` the states::

        e_j = v . tanh(W h_{t-1} + U x_j + b)                    score of input j
        a   = softmax over j of e                                attention weights
        z   = sum over j of a_j x_j                              context
        i, f, g, o = split(K x_t + R h_{t-1} + C z + d)          gates; sigmoid, for g tanh
        c_t = f * c_{t-1} + i * g
        h_t = o * tanh(c_t)

    so the context enters each gate together with the input. `W`, `U`, `b` have `units` columns, and `v` is
    `(units, 1)`.

    Args:
        units: Size of the state `h`, a positive integer.
        kernel_initializer: Initializer of `K`, `C`, `W`, `U` and `v`.
        recurrent_initializer: Initializer of `R`.
        unit_forget_bias: Whether the forget gate's bias starts at 1 instead of 0.
        unroll: Whether the graph has a copy of the cell for each step instead of a loop. The number of steps
            must then be fixed. Export formats without loops require it.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        sequences: Tensor of shape `(batch, steps, features)`.
        mask: Optional tensor of shape `(batch, steps)`, true at valid steps. Invalid steps get no attention
            and do not change the state.
        return_attention: Whether to return the attention weights as well.

    Returns:
        The last state `h`, shape `(batch, units)`; with `return_attention` also the weights `a`, shape
        `(batch, steps, steps)`, where row `t` has the weights of step `t`.

    Raises:
        ValueError: If `units` is not a positive integer.

    Example:
        >>> import numpy as np
        >>> AttentionLSTM(8)(np.ones((2, 6, 3), "float32")).shape
        TensorShape([2, 8])

    Deviations:
        The authors' code starts `v` and the forget bias at zero and takes the softmax without
        subtracting the maximum, which overflows for large scores; its gates are the hard sigmoid
        `clip(0.2 x + 0.5, 0, 1)` of Keras 2, and `C`, `W` and `U` start orthogonal. Here the gates are
        sigmoids, as in the paper, and only `R` starts orthogonal.

    References:
        Karim et al.: LSTM Fully Convolutional Networks for Time Series Classification, arXiv 1709.05206;
        Bahdanau et al.: arXiv 1409.0473, section 3.1.
    """

    def __init__(
        self,
        units: int,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        recurrent_initializer: str | keras.initializers.Initializer = "orthogonal",
        unit_forget_bias: bool = True,
        unroll: bool = False,
        **kwargs: object,
    ):
        require_positive_int("units", units)
        super().__init__(**kwargs)
        self.units = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.unit_forget_bias = unit_forget_bias
        self.unroll = unroll
        self.supports_masking = True

    def build(self, input_shape):
        features, units = input_shape[-1], self.units
        self.kernel = self._kernel("kernel", (features, 4 * units))
        self.context_kernel = self._kernel("context_kernel", (features, 4 * units))
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(units, 4 * units), initializer=self.recurrent_initializer
        )
        self.bias = self.add_weight(name="bias", shape=(4 * units,), initializer=self._initial_bias)
        self.score_input_kernel = self._kernel("score_input_kernel", (features, units))
        self.score_state_kernel = self._kernel("score_state_kernel", (units, units))
        self.score_bias = self.add_weight(name="score_bias", shape=(units,), initializer="zeros")
        self.score_vector = self._kernel("score_vector", (units, 1))
        self._softmax = keras.layers.Softmax(dtype=self.dtype_policy)

    def _kernel(self, name, shape):
        initializer = self.kernel_initializer.clone()
        return self.add_weight(name=name, shape=shape, initializer=initializer)

    def _initial_bias(self, shape, dtype=None):
        forget = ops.full((self.units,), 1.0 if self.unit_forget_bias else 0.0, dtype)
        return ops.concatenate([ops.zeros((self.units,), dtype), forget, ops.zeros((2 * self.units,), dtype)])

    def call(self, sequences, mask=None, return_attention=False):
        if mask is not None:
            mask = ops.cast(mask, "bool")
        # Products that do not depend on the state are computed for all steps at once. The context enters the
        # gates linearly, so its kernel is applied to the inputs before they are averaged.
        gate_inputs = ops.matmul(sequences, self.kernel) + self.bias
        contexts = ops.matmul(sequences, self.context_kernel)
        keys = ops.matmul(sequences, self.score_input_kernel) + self.score_bias

        def step(state, inputs):
            h, c, _ = state
            gate_input = inputs[:, : 4 * self.units]
            attention = self._attend(keys, h, mask)
            context = ops.squeeze(ops.matmul(ops.expand_dims(attention, 1), contexts), 1)
            new_h, new_c = self._gate(gate_input + context + ops.matmul(h, self.recurrent_kernel), c)
            if mask is not None:
                valid = inputs[:, 4 * self.units :] > 0
                new_h, new_c = ops.where(valid, new_h, h), ops.where(valid, new_c, c)
            state = (new_h, new_c, attention)
            return state, state  # TensorFlow's `scan` requires outputs of the structure of the state

        start = ops.zeros_like(gate_inputs[:, 0, : self.units])
        start = (start, start, ops.zeros_like(keys[:, :, 0]))
        inputs = gate_inputs
        if mask is not None:  # as another column: TensorFlow's `scan` takes two inputs only of known length
            inputs = ops.concatenate([inputs, ops.cast(ops.expand_dims(mask, -1), inputs.dtype)], axis=-1)
        scan = _unrolled if self.unroll else ops.scan
        (h, _, _), (_, _, attention) = scan(step, start, _steps_first(inputs))
        return (h, _steps_first(attention)) if return_attention else h

    def _attend(self, keys, h, mask):
        query = ops.expand_dims(ops.matmul(h, self.score_state_kernel), 1)
        scores = ops.squeeze(ops.matmul(ops.tanh(keys + query), self.score_vector), -1)
        return self._softmax(scores, mask=mask)

    def _gate(self, gates, c):
        i, f, g, o = ops.split(gates, 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        return ops.sigmoid(o) * ops.tanh(c), c

    def compute_mask(self, sequences, mask=None):
        return None  # the steps are consumed

    def compute_output_shape(self, sequences_shape):
        return (sequences_shape[0], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
            "unit_forget_bias": self.unit_forget_bias,
            "unroll": self.unroll,
        }


def _unrolled(step, state, inputs):
    """Like `ops.scan`, without a loop in the graph."""
    outputs = []
    for number in range(inputs.shape[0]):
        state, output = step(state, inputs[number])
        outputs.append(output)
    return state, tuple(ops.stack(parts) for parts in zip(*outputs, strict=True))


def _steps_first(tensor):
    """`(batch, steps, n)` to `(steps, batch, n)`, and back."""
    return ops.transpose(tensor, (1, 0, 2))
