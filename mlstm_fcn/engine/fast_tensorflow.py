"""Keras' LSTM and Adam as single operations of TensorFlow, and batch normalisation in few passes.

LSTM and Adam have the variables and the configuration of the class that they extend and give the same results
up to rounding, so a twin of a network trains with them, and the network itself never knows.
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
        series, weights = _even(tf.transpose(sequences, (1, 0, 2)), cell.kernel.value)
        kernel = tf.concat([weights, cell.recurrent_kernel.value], axis=0)
        states = tf.raw_ops.BlockLSTM(
            seq_len_max=tf.cast(tf.shape(sequences)[1], "int64"),
            x=series,
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


def _even(series: Any, weights: Any) -> tuple[Any, Any]:
    """An even number of features; the operation writes a warning at each step of training for odd ones."""
    if series.shape[-1] % 2 == 0:
        return series, weights
    return tf.pad(series, [(0, 0), (0, 0), (0, 1)]), tf.pad(weights, [(0, 1), (0, 0)])


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


def batch_norm(series: Any, gamma: Any, beta: Any, epsilon: float, mask: Any = None) -> tuple[Any, Any, Any]:
    """Normalised series, mean and biased variance; see `engine.Backend.fused_batch_norm`."""
    scale, offset = tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta)
    if mask is not None:
        return _masked_batch_norm(series, scale, offset, epsilon, mask)
    image = tf.expand_dims(series, 2)
    output, mean, unbiased = tf.compat.v1.nn.fused_batch_norm(image, scale, offset, epsilon=epsilon)
    count = tf.cast(tf.size(series) // tf.shape(series)[2], "float32")
    return tf.squeeze(output, 2), mean, unbiased * (tf.maximum(count, 2.0) - 1) / tf.maximum(count, 2.0)


def _masked_batch_norm(series: Any, scale: Any, offset: Any, epsilon: float, mask: Any) -> Any:
    """Statistics of the valid steps alone, as sums by matrix products, and the gradient written out.

    With `w` that is 1 / n at the n valid steps and else 0, `z` the normalised series and `g` the gradient of
    the output, the gradient of the series is `scale / std (g - w (sum(g) + z sum(g z)))`.
    """
    steps = tf.reshape(tf.cast(mask, "float32"), (1, -1))
    valid = steps / tf.maximum(tf.reduce_sum(steps), 1.0)

    @tf.custom_gradient
    def normalise(series: Any, scale: Any, offset: Any) -> Any:
        flat = tf.cast(tf.reshape(series, (-1, series.shape[-1])), "float32")
        mean = tf.matmul(valid, flat)
        centred = flat - mean
        variance = tf.matmul(valid, tf.square(centred))
        factor = scale * tf.math.rsqrt(variance + epsilon)
        output = tf.cast(tf.reshape(centred * factor + offset, tf.shape(series)), series.dtype)

        def gradient(upstream: Any, *_: Any) -> Any:
            of_output = tf.cast(tf.reshape(upstream, tf.shape(flat)), "float32")
            ones = tf.ones_like(valid)
            sums, products = tf.matmul(ones, of_output), tf.matmul(ones, of_output * centred)
            slope = products / (variance + epsilon)
            of_series = factor * (of_output - tf.transpose(valid) * (sums + centred * slope))
            of_scale = tf.reshape(products * tf.math.rsqrt(variance + epsilon), (-1,))
            return (
                tf.cast(tf.reshape(of_series, tf.shape(series)), series.dtype),
                of_scale,
                tf.reshape(sums, (-1,)),
            )

        return (output, tf.reshape(mean, (-1,)), tf.reshape(variance, (-1,))), gradient

    return normalise(series, scale, offset)


# Callbacks see the twin. A model that they save must hold Keras' own classes, which every backend has.
for _fast, _own in (
    (BlockLSTM, keras.layers.LSTM),
    (_FusedAdam, keras.optimizers.Adam),
    (_FusedAdamW, keras.optimizers.AdamW),
):
    _fast.__module__, _fast.__name__ = _own.__module__, _own.__name__
