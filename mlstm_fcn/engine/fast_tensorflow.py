"""Keras' LSTM and Adam as single operations of TensorFlow, for training steps on CPUs.

Both have the variables and the configuration of the class that they extend and give the same results up to
rounding, so a twin of a network trains with them, and the network itself never knows.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class BlockLSTM(keras.layers.LSTM):
    """An LSTM whose loop over the steps is one operation, forwards and backwards."""

    @staticmethod
    def suits(layer: keras.layers.Layer) -> bool:
        """Whether a layer is an LSTM that the operation can compute."""
        if type(layer) is not keras.layers.LSTM or layer.compute_dtype != "float32":
            return False
        config = layer.get_config()
        plain = {"activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True}
        off = ("return_sequences", "return_state", "go_backwards", "stateful", "dropout", "recurrent_dropout")
        return all(config[name] == value for name, value in plain.items()) and not any(map(config.get, off))

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """As Keras' LSTM, which it is where there is a mask or an initial state."""
        if mask is not None or initial_state is not None:
            return super().call(sequences, initial_state, mask, training)
        units, cell = self.units, self.cell
        zeros, none = tf.zeros((tf.shape(sequences)[0], units)), tf.zeros((units,))
        kernel = tf.concat([cell.kernel.value, cell.recurrent_kernel.value], axis=0)
        states = tf.raw_ops.BlockLSTM(
            seq_len_max=tf.cast(tf.shape(sequences)[1], "int64"),
            x=tf.transpose(sequences, (1, 0, 2)),
            cs_prev=zeros,
            h_prev=zeros,
            w=_in_its_order(kernel),
            wci=none,
            wcf=none,
            wco=none,
            b=_in_its_order(cell.bias.value),
            forget_bias=0.0,
            cell_clip=-1.0,
        )
        return states.h[-1]


def _in_its_order(gates: Any) -> Any:
    """Input, cell, forget and output gates; Keras has input, forget, cell, output."""
    given, forget, cell, output = tf.split(gates, 4, axis=-1)
    return tf.concat([given, cell, forget, output], axis=-1)


def fused(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer with one operation per variable where it is Adam or AdamW; else as it is."""
    kinds: dict[type, Any] = {keras.optimizers.Adam: _FusedAdam, keras.optimizers.AdamW: _FusedAdamW}
    kind = kinds.get(type(optimizer))
    if kind is None or getattr(optimizer, "amsgrad", False):
        return optimizer
    return kind.from_config(optimizer.get_config())


class _OneOperation:
    """Adam's update as one operation, where Keras runs twelve. Only for float32; others are left to Keras."""

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        if variable.dtype != "float32":
            super().update_step(gradient, variable, learning_rate)  # type: ignore[misc]
            return
        place = self._get_variable_index(variable)
        first, second = self._momentums[place].value, self._velocities[place].value
        step = tf.cast(self.iterations + 1, "float32")
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=first.handle,
            v=second.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=tf.cast(learning_rate, "float32"),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


class _FusedAdam(_OneOperation, keras.optimizers.Adam):
    """Adam."""


class _FusedAdamW(_OneOperation, keras.optimizers.AdamW):
    """AdamW; Keras decays the weights before the update."""


# Callbacks see the twin. A model that they save must hold Keras' own classes, which every backend has.
for _fast, _own in (
    (BlockLSTM, keras.layers.LSTM),
    (_FusedAdam, keras.optimizers.Adam),
    (_FusedAdamW, keras.optimizers.AdamW),
):
    _fast.__module__, _fast.__name__ = _own.__module__, _own.__name__
