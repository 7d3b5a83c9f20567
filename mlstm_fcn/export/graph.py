"""A copy of a trained model that other formats can hold: float32, and only loops that the format has."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import keras

from mlstm_fcn._checks import require
from mlstm_fcn.export.formats import RECURRENT


def export_graph(
    model: keras.Model, *, unrolled: Collection[str] = (), length: int | None = None
) -> keras.Model:
    """Copy a trained model for export.

    Args:
        model: The model, from `(batch, time, channels)`; it stays as it is.
        unrolled: Kinds of recurrent layers that are written out step by step, of `RECURRENT`; others loop.
        length: Steps to fix, if the model reads any number of them.

    Returns:
        A model with the same weights that computes in float32.

    Raises:
        ValueError: If a layer that must be written out reads a number of steps that is not known.
    """
    config = json.loads(model.to_json())
    for part in _dictionaries(config):
        if "dtype" in part and not _is_whole(part["dtype"]):
            part["dtype"] = "float32"
    if length is not None:
        _fix_length(config, model, length)
    steps = dict(_recurrent_steps(_model(config)))
    for part in _dictionaries(config):
        if part.get("class_name") in RECURRENT:
            name, writes_out = part["config"]["name"], part["class_name"] in unrolled
            rule = "The format has no loop for this layer, which is over any number of steps: fix `length`."
            require(not writes_out or steps[name] is not None, rule, layer=name)
            part["config"]["unroll"] = writes_out
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
        wrapped = [getattr(layer, f"{way}_layer", None) for way in ("forward", "backward")]
        for inner in (layer, *wrapped):
            if type(inner).__name__ in RECURRENT:
                yield inner.name, layer.input.shape[1]


def _is_whole(dtype: Any) -> bool:
    """Whether a type is of whole numbers, which stay what they are."""
    return isinstance(dtype, str) and dtype.startswith(("bool", "int", "uint", "string"))


def _dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """All dictionaries within a config."""
    if isinstance(value, dict):
        yield value
        for part in list(value.values()):
            yield from _dictionaries(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _dictionaries(part)
