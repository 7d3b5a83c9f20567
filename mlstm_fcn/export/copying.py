"""A copy of a trained model that other formats can hold: float32, recurrent layers without loops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import keras

from mlstm_fcn._checks import require

MOST_UNROLLED = 64
"""Steps of a recurrent layer that are written out. A loop of more is kept where the format has loops."""

_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "AttentionLSTM")


def export_copy(model: keras.Model, *, loops: bool = True, length: int | None = None) -> keras.Model:
    """Copy a trained model for export.

    Args:
        model: The model, from `(batch, time, channels)`; it stays as it is.
        loops: Whether the format has loops. Without them recurrent layers are written out, however long.
        length: Steps to fix, if the model reads any number of them.

    Returns:
        A model with the same weights that computes in float32.

    Raises:
        ValueError: If there is a recurrent layer over a number of steps that is not known, and the format
            has no loops.
    """
    config = json.loads(model.to_json())
    for part in _dictionaries(config):
        if "dtype" in part and part["dtype"] not in ("bool", "int32"):
            part["dtype"] = "float32"
    if length is not None:
        _fix_length(config, model, length)
    steps = dict(_recurrent_steps(_model(config)))
    for part in _dictionaries(config):
        if part.get("class_name") in _RECURRENT:
            n_steps = steps[part["config"]["name"]]
            rule = (
                "A recurrent layer over any number of steps needs a format with loops, or a fixed `length`."
            )
            require(loops or n_steps is not None, rule, layer=part["config"]["name"])
            known = n_steps is not None and (n_steps <= MOST_UNROLLED or not loops)
            part["config"]["unroll"] = known
            if part["class_name"] == "LSTM":
                part["config"]["use_cudnn"] = False
    copy = _model(config)
    copy.set_weights(model.get_weights())
    _, steps, channels = copy.input_shape
    copy(keras.ops.zeros((1, steps or 8, channels)))  # Keras exports only what was called
    return copy


def _model(config: dict[str, Any]) -> keras.Model:
    return keras.models.model_from_json(json.dumps(config))


def _fix_length(config: dict[str, Any], model: keras.Model, length: int) -> None:
    steps = model.input_shape[1]
    rule = f"`length` must be {steps}, which the network fixes."
    require(steps in (None, length), rule, length=length)
    for part in _dictionaries(config):
        if part.get("class_name") == "InputLayer":
            batch, steps, *rest = part["config"]["batch_shape"]
            part["config"]["batch_shape"] = [batch, steps or length, *rest]


def _recurrent_steps(model: keras.Model) -> Iterator[tuple[str, int | None]]:
    """Names of recurrent layers, and how many steps each reads."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _recurrent_steps(layer)
        elif type(layer).__name__ in _RECURRENT:
            yield layer.name, layer.input.shape[1]


def _dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """All dictionaries within a config."""
    if isinstance(value, dict):
        yield value
        for part in list(value.values()):
            yield from _dictionaries(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _dictionaries(part)
