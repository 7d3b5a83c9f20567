"""What two networks have in common that differ in their weights alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import keras


def architecture(model: keras.Model) -> str | None:
    """A text that is the same for models that compute the same from the same variables.

    Args:
        model: A functional model.

    Returns:
        The text; None where that cannot be told, since a layer is not Keras' or this package's.
    """
    layers = [*_layers(model)]
    if not all(type(layer).__module__.partition(".")[0] in ("keras", "mlstm_fcn") for layer in layers):
        return None
    try:
        text = json.dumps(_without_weights(model.get_config()), sort_keys=True)
    except TypeError:
        return None
    for place, layer in enumerate(layers):  # some names have a counter
        text = text.replace(f'"{layer.name}"', f'"layer {place}"')
    return text


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    yield model
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer


def _without_weights(config: Any) -> Any:
    """A config without what its layers keep as weights too."""
    if isinstance(config, dict):
        scaling = config.get("class_name") == "StandardizeChannels"
        inner = {"mean": None, "std": None} if scaling else {}
        return {
            name: _without_weights({**value, **inner} if inner and name == "config" else value)
            for name, value in config.items()
        }
    return [_without_weights(value) for value in config] if isinstance(config, list | tuple) else config
