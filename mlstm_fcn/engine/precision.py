"""Layers that compute in 16 bits while their variables are float32 (mixed precision)."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras

from mlstm_fcn.engine.options import Precision

_SUITABLE = (
    keras.layers.Activation,
    keras.layers.Add,
    keras.layers.AveragePooling1D,
    keras.layers.Conv1D,
    keras.layers.DepthwiseConv1D,
    keras.layers.MaxPooling1D,
    keras.layers.ReLU,
    keras.layers.ZeroPadding1D,
)
_NORMALISING = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
)


def suits_16_bits(layer: keras.Operation) -> bool:
    """Whether a layer over time loses nothing by fewer bits, if its input has a mean and spread near 0 and 1.

    A layer of this package that normalises its output says so itself by `suits_16_bits = True`; it keeps its
    sums and gates in float32.
    """
    if not isinstance(layer, keras.layers.Layer) or layer.dtype_policy.name != "float32":
        return False  # an operation between layers, or a layer with a policy of its own
    return type(layer) in _SUITABLE or _normalises_in_16_bits(layer)


def _normalises_in_16_bits(layer: keras.Operation) -> bool:
    return bool(getattr(layer, "suits_16_bits", False))


def layers_in_16_bits(network: keras.Model) -> set[str]:
    """Names of the layers of a network that compute in 16 bits.

    Not those that read the series before anything has normalised them: of a channel near 1000, bfloat16 keeps
    steps of 4. Nor those whose output has no time, such as the network's.
    """
    names: set[str] = set()
    raw = set(map(id, network.inputs))
    for operation in getattr(network, "operations", network.layers):
        try:
            inputs, outputs = keras.tree.flatten(operation.input), keras.tree.flatten(operation.output)
        except (AttributeError, ValueError):  # several calls of a shared layer: float32
            continue
        is_raw = any(id(tensor) in raw for tensor in inputs)
        if is_raw and not (_normalises_in_16_bits(operation) or isinstance(operation, _NORMALISING)):
            raw.update(map(id, outputs))
        over_time = all(len(tensor.shape) == 3 for tensor in outputs)
        if not is_raw and over_time and suits_16_bits(operation):
            names.add(operation.name)
    return names


def lowered(layer: keras.layers.Layer, precision: Precision) -> keras.layers.Layer:
    """A copy of a layer that computes in 16 bits."""
    config: dict[str, Any] = layer.get_config()
    copy = type(layer).from_config({**config, "dtype": f"mixed_{precision}"})
    copy.get_config = partial(dict, config)  # callbacks see the copy; a model that they save is float32
    return copy
