"""What two networks have in common that differ in their weights alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import keras

_KNOWN = ("keras", "mlstm_fcn")


def architecture(model: keras.Model) -> str | None:
    """A text that is the same for models that compute the same from the same variables.

    Args:
        model: A functional model.

    Returns:
        The text; None where that cannot be told, since some of it is neither Keras' nor this package's.
    """
    layers = [*_layers(model)]
    if not all(map(is_known, layers)):
        return None
    config = _without_weights(model.get_config())
    if (text := as_text(config)) is None:
        return None
    for place, layer in enumerate(layers):  # some names have a counter
        text = text.replace(f'"{layer.name}"', f'"layer {place}"')
    return text


def is_known(part: object) -> bool:
    """Whether a layer, an optimizer or a loss is of a class of Keras or of this package."""
    return type(part).__module__.partition(".")[0] in _KNOWN


def as_text(config: Any) -> str | None:
    """A config as text; None where it names a function or class that could be another one another time."""
    try:
        return json.dumps(config, sort_keys=True) if _names_only_known(config) else None
    except TypeError:
        return None


def _names_only_known(config: Any) -> bool:
    if isinstance(config, dict):
        if "module" in config and "class_name" in config:
            known = str(config["module"]).partition(".")[0] in _KNOWN
            if not known or config["class_name"] in ("Lambda", "function"):
                return False
        return all(map(_names_only_known, config.values()))
    return all(map(_names_only_known, config)) if isinstance(config, list | tuple) else True


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
