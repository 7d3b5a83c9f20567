"""The fingerprint of an architecture: the same for networks that differ in their weights alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import keras

_KNOWN = ("keras", "mlstm_fcn")


def architecture(model: keras.Model) -> str | None:
    """A text that is the same for models that compute the same from the same variables.

    Args:
        model: A functional or sequential model.

    Returns:
        The text; None if a part is neither Keras' nor this package's: user code may change.
    """
    operations = [*_operations(model)]
    if not all(map(is_known, operations)):
        return None
    names = {operation.name: place for place, operation in enumerate(operations)}
    return as_text(_numbered(_without_weights(model.get_config()), names))


def program_key(
    optimizer: keras.optimizers.Optimizer, loss: keras.losses.Loss | str, settings: Sequence[str]
) -> str | None:
    """What decides how training is compiled; None where a part is user code, which may change."""
    if not all(map(is_known, [optimizer] if isinstance(loss, str) else [optimizer, loss])):
        return None
    configs = [_config(optimizer), loss if isinstance(loss, str) else _config(loss), list(settings)]
    return as_text(configs)


def _config(part: Any) -> list[Any]:
    return [type(part).__name__, {**part.get_config(), "name": None}]


def is_known(part: object) -> bool:
    """Whether the class of an operation, optimizer or loss belongs to Keras or to this package."""
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


def _operations(model: keras.Model) -> Iterator[keras.Operation]:
    """A model, its layers, and what it does between them."""
    yield model
    for operation in getattr(model, "operations", model.layers):  # a sequential model has layers alone
        if isinstance(operation, keras.Model):
            yield from _operations(operation)
        else:
            yield operation


def _numbered(config: Any, names: dict[str, int]) -> Any:
    """A config with numbers in place of the names of operations, since some names have a counter."""

    def number(value: Any) -> Any:
        return names.get(value, value) if isinstance(value, str) else _numbered(value, names)

    if isinstance(config, dict):
        return {
            key: number(value) if key == "name" else _numbered(value, names) for key, value in config.items()
        }
    if isinstance(config, list | tuple):  # a reference is a list that begins with a name
        return list(map(number, config))
    return config


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
