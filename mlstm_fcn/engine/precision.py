"""Layers that compute in 16 bits while their variables are float32 (mixed precision)."""

from __future__ import annotations

from functools import partial

import keras

from mlstm_fcn.engine.options import Precision

_OF_KERAS = (
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.AveragePooling1D,
    keras.layers.Conv1D,
    keras.layers.DepthwiseConv1D,
    keras.layers.MaxPooling1D,
    keras.layers.ReLU,
    keras.layers.ZeroPadding1D,
)


def suits_16_bits(layer: keras.Operation) -> bool:
    """Whether a layer over time loses nothing by fewer bits: not one that sums over time, or is an output.

    A layer of this package says so itself by `suits_16_bits = True`; it keeps its sums and gates in float32.
    """
    if not isinstance(layer, keras.layers.Layer) or layer.dtype_policy.name != "float32":
        return False  # an operation between layers, or a layer with a policy of its own
    if isinstance(layer, keras.layers.Activation):
        return layer.activation is not keras.activations.softmax
    return type(layer) in _OF_KERAS or bool(getattr(layer, "suits_16_bits", False))


def lowered(layer: keras.layers.Layer, precision: Precision) -> keras.layers.Layer | None:
    """A copy of a layer that computes in 16 bits; None if it is to compute in float32."""
    if precision == "float32" or not suits_16_bits(layer):
        return None
    config = layer.get_config()
    copy = type(layer).from_config({**config, "dtype": f"mixed_{precision}"})
    copy.get_config = partial(dict, config)  # callbacks see the copy; a model that they save is float32
    return copy
