"""A fitted network as one file, which is also a plain Keras model. Nothing in it is pickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.engine import Engine
from mlstm_fcn.fitting.fitted import FittedNetwork
from mlstm_fcn.fitting.inputs import InputPolicy
from mlstm_fcn.fitting.network import NetworkSpec
from mlstm_fcn.fitting.task import task_from_plain
from mlstm_fcn.persistence import read_archive, write_archive
from mlstm_fcn.training.recipes import Recipe


def save(fitted: FittedNetwork, path: Path | str, about: Mapping[str, Any] | None = None) -> None:
    """Write a fitted network.

    Args:
        fitted: The network. A function that made it is not kept; the loaded network needs it again for
            further training and for series of other lengths.
        path: A name that ends in `.keras` or `.mlstm`; an existing file is replaced in one step.
        about: Further values that JSON can hold.

    Raises:
        ValueError: If the name has another ending, or labels are neither numbers nor strings.
        FileNotFoundError: If the folder does not exist.
    """
    named = fitted.spec.network if isinstance(fitted.spec.network, str) else None
    values = {
        **fitted.task.to_plain(),
        "network": {"name": named, "options": to_plain(fitted.spec.options)},
        "network_options": to_plain(fitted.options),
        "inputs": asdict(fitted.inputs),
        "history": dict(fitted.history),
        "epochs_trained": fitted.epochs_trained,
        "precision": fitted.precision,
        "channel_names": to_plain(fitted.channel_names),
    }
    write_archive(path, fitted.keras_model, {**values, **(about or {})})


def load(path: Path | str) -> tuple[FittedNetwork, dict[str, Any]]:
    """Read what `save` wrote; no code in the file is run.

    Returns:
        The fitted network, and all values of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, or another program wrote it.
    """
    model, about = read_archive(path)
    try:
        task = task_from_plain(about)
        labels, outputs = about.get("classes"), model.output_shape[-1]
        rule = "There must be a label for each output."
        require(labels is None or len(labels) == outputs, rule, labels=labels, outputs=outputs)
        network = about["network"]
        fitted = FittedNetwork(
            model,
            NetworkSpec(network["name"], from_plain(network["options"])),
            from_plain(about["network_options"]),
            task,
            InputPolicy(**about["inputs"]),
            about["history"],
            int(about["epochs_trained"]),
            about["precision"],
            from_plain(about.get("channel_names")),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error!r}") from error
    return fitted, about


def to_plain(value: Any) -> Any:
    """Numbers, strings, sequences, dictionaries, recipes and engines in JSON's terms.

    Any other object is None, and so is a sequence that holds one: callbacks would become a list of Nones.
    """
    if isinstance(value, Recipe):
        options = {one.name: to_plain(getattr(value, one.name)) for one in fields(value)}
        kept = {n: one for n, one in options.items() if one is not None or getattr(value, n) is None}
        return {"recipe": kept}
    if isinstance(value, Engine):
        return {"engine": asdict(value)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        items = [to_plain(item) for item in value]
        lost = any(new is None and item is not None for new, item in zip(items, value, strict=True))
        return None if lost else items
    if isinstance(value, Mapping):
        return {"items": [[to_plain(key), to_plain(item)] for key, item in value.items()]}
    return value if isinstance(value, str | int | float | None) else None


def from_plain(value: Any) -> Any:
    """The reverse of `to_plain`; sequences come back as tuples."""
    if isinstance(value, list):
        return tuple(map(from_plain, value))
    if isinstance(value, dict) and "recipe" in value:
        return Recipe(**{name: from_plain(item) for name, item in value["recipe"].items()})
    if isinstance(value, dict) and "engine" in value:
        return Engine(**value["engine"])
    if isinstance(value, dict):
        return {from_plain(key): from_plain(item) for key, item in value["items"]}
    return value


def plain_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters in JSON's terms, see `to_plain`."""
    return {name: to_plain(value) for name, value in parameters.items()}


def lost_objects(parameters: Mapping[str, Any]) -> list[str]:
    """Names of parameters, and of fields of a recipe among them, that a file does not keep."""
    recipes = (value for value in parameters.values() if isinstance(value, Recipe))
    of_recipes = {f"recipe__{name}": value for recipe in recipes for name, value in vars(recipe).items()}
    named = {**of_recipes, **{n: v for n, v in parameters.items() if not isinstance(v, Recipe)}}
    return [name for name, value in named.items() if value is not None and to_plain(value) is None]
