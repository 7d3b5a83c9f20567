"""What a network of the user's own must be, and how a Keras model is built anew."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require

_CASES, _ANY_LENGTH = 8, 32  # of the series that try a mask
_MOST_BY_PADDING = 4.0  # padding may change outputs at most this many times as much as valid steps do


def is_model(network: object) -> bool:
    """Whether a network is a Keras model, which is not called but built anew."""
    return isinstance(network, keras.Model)


def built_anew(network: keras.Model, n_outputs: int) -> keras.Model:
    """A network of the same layers with new weights.

    If the last layer is `Dense`, it gets the number of outputs.

    Raises:
        ValueError: If the model is a class of the user's own.
    """
    require_functional(network)
    head = network.layers[-1]
    if not isinstance(head, keras.layers.Dense) or head.units == n_outputs:
        return keras.models.clone_model(network)

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        changes = {"units": n_outputs} if layer is head else {}
        return type(layer).from_config({**layer.get_config(), **changes})

    return keras.models.clone_model(network, clone_function=copied)


def require_functional(network: Any) -> None:
    """Raise unless a model tells its inputs and layers.

    Raises:
        ValueError: If it is a class of the user's own, or a sequential model without an input.
    """
    rule = "The network must be a functional model, or a sequential one that begins with `keras.Input`."
    require(bool(getattr(network, "inputs", None)), rule, network=type(network).__name__)


def require_mask(network: keras.Model, time: int | None, masked: bool) -> None:
    """Raise unless a network reads a mask just where it is asked to, and reads it rightly.

    Raises:
        ValueError: If the number of inputs, or shape or type of the mask are others, or the outputs follow
            the steps at which the mask is False.
    """
    inputs = [(tensor.dtype, tensor.shape) for tensor in network.inputs]
    if not masked:
        require(len(inputs) == 1, "A network without a mask must have one input, the series.", inputs=inputs)
        return
    rule = (
        "A network for `masked=True` must read [series, mask], the mask as keras.Input((time,), "
        "dtype='bool'): True at each step that belongs to the series."
    )
    fits = len(inputs) == 2 and inputs[1][0] == "bool" and len(inputs[1][1]) == 2
    require(fits and inputs[1][1][1] in (None, time), rule, inputs=inputs)
    rule = (
        "The mask is True at each step that belongs to the series, and False in the padding: the outputs of "
        "the network must not follow the padding."
    )
    of_series, of_padding = _effects(network)
    require(not of_padding > _MOST_BY_PADDING * of_series, rule, of_series=of_series, of_padding=of_padding)


def _effects(network: keras.Model) -> tuple[float, float]:
    """How much the outputs change with the first half of a series, and with the other, masked one."""
    _, time, channels = network.inputs[0].shape
    steps, rng = time or _ANY_LENGTH, np.random.default_rng(0)
    valid = np.arange(steps) < (steps + 1) // 2
    one, other = rng.normal(size=(2, _CASES, steps, channels)).astype("float32")
    series = [one, np.where(valid[:, None], other, one), np.where(valid[:, None], one, other)]
    mask = np.broadcast_to(valid, (3 * _CASES, steps))
    outputs = keras.ops.convert_to_numpy(network([np.concatenate(series), mask], training=False))
    before, changed, padded = np.split(outputs, 3)
    return float(np.abs(changed - before).mean()), float(np.abs(padded - before).mean())
