"""A copy of a trained model for export: in float32, with recurrent layers unrolled where necessary."""

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
        model: The model, from `(batch, time, channels)`; it is not changed.
        unrolled: Class names from `RECURRENT` of the layers to unroll; other recurrent layers stay loops.
        length: Number of time steps to fix, for a model whose input has a variable number.

    Returns:
        A model with the same weights, in float32.

    Raises:
        ValueError: If a layer to unroll has a variable number of steps, or the model fixes another `length`.
    """
    config = json.loads(model.to_json())
    for part in _dictionaries(config):
        if "dtype" in part and not _is_integer(part["dtype"]):
            part["dtype"] = "float32"
    if length is not None:
        _fix_length(config, model, length)
    steps = dict(_recurrent_steps(_model(config)))
    for part in _dictionaries(config):
        if part.get("class_name") in RECURRENT:
            name, unroll = part["config"]["name"], part["class_name"] in unrolled
            rule = "This format unrolls recurrent layers; pass a fixed `length`."
            require(not unroll or steps[name] is not None, rule, layer=name)
            part["config"]["unroll"] = unroll
            if part["class_name"] == "LSTM":
                part["config"]["use_cudnn"] = False
    copy = _model(config)
    copy.set_weights(model.get_weights())
    _, steps, channels = copy.input_shape
    copy(keras.ops.zeros((1, steps or 8, channels)))  # Keras exports only a model that was called
    return copy


def _model(config: dict[str, Any]) -> keras.Model:
    return keras.models.model_from_json(json.dumps(config))


def _fix_length(config: dict[str, Any], model: keras.Model, length: int) -> None:
    steps = model.input_shape[1]
    rule = f"`length` must be {steps}: the network has a fixed length."
    require(steps in (None, length), rule, length=length)
    for part in _dictionaries(config):
        if part.get("class_name") == "InputLayer":
            batch, steps, *rest = part["config"]["batch_shape"]
            part["config"]["batch_shape"] = [batch, steps or length, *rest]


def _recurrent_steps(model: keras.Model) -> Iterator[tuple[str, int | None]]:
    """Name of each recurrent layer, and its number of steps; None if it is variable."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _recurrent_steps(layer)
        wrapped = [getattr(layer, f"{way}_layer", None) for way in ("forward", "backward")]
        for inner in (layer, *wrapped):
            if type(inner).__name__ in RECURRENT:
                yield inner.name, layer.input.shape[1]


def _is_integer(dtype: Any) -> bool:
    """Whether a data type is not floating-point and so must not be replaced by float32."""
    return isinstance(dtype, str) and dtype.startswith(("bool", "int", "uint", "string"))


def _dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """Iterate over all nested dictionaries of a config."""
    if isinstance(value, dict):
        yield value
        for part in list(value.values()):
            yield from _dictionaries(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _dictionaries(part)
