"""A fitted network as one file, which is also a plain Keras model. Nothing in it is pickled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn._files import damage_of
from mlstm_fcn._warnings import warn
from mlstm_fcn.engine import Engine, Precision
from mlstm_fcn.fitting.fitted import FittedNetwork
from mlstm_fcn.fitting.inputs import InputPolicy
from mlstm_fcn.fitting.likeness import n_features
from mlstm_fcn.fitting.multilabel import MultiLabel
from mlstm_fcn.fitting.network import NetworkSpec
from mlstm_fcn.fitting.own_network import is_model
from mlstm_fcn.fitting.reference import Reference
from mlstm_fcn.fitting.regression import Regression
from mlstm_fcn.fitting.task import LABEL_KINDS, Classification, Numbers, Task
from mlstm_fcn.models.ensemble import members
from mlstm_fcn.models.pipeline import split
from mlstm_fcn.persistence import read_archive, write_archive
from mlstm_fcn.training.recipes import Recipe

if TYPE_CHECKING:
    import keras

_OF_THIS_MACHINE = ("callbacks", "checkpoint")  # code and paths are never in a file
_TRAIN_WITH = ("recipe__loss", "recipe__optimizer", "callbacks")
_MOST_BYTES = 2**26  # of labels


def save(fitted: FittedNetwork, path: Path | str, about: Mapping[str, Any] | None = None) -> None:
    """Write a fitted network.

    Args:
        fitted: The network. A function that made it is not kept: the loaded network trains further on series
            of the same length without it, and needs it for other lengths.
        path: A name that ends in `.keras` or `.mlstm`; an existing file is replaced in one step.
        about: Further values that JSON can hold.

    Raises:
        ValueError: If the name has another ending, or labels are neither numbers nor strings.
        FileNotFoundError: If the folder does not exist.

    Warns:
        UserWarning: If a function made the network, or names of channels are lost.
    """
    names = to_plain(fitted.channel_names)
    if names is None and fitted.channel_names is not None:
        text = "The file keeps the names of channels only if they are text or numbers."
        warn(f"{text} `predict` will use their order.")
    named = fitted.spec.network if isinstance(fitted.spec.network, str) else None
    values = {
        **fitted.task.to_plain(),
        "network": {"name": named, "options": to_plain(fitted.spec.options)},
        "network_options": to_plain(fitted.options),
        "inputs": asdict(fitted.inputs),
        "history": dict(fitted.history),
        "epochs_trained": fitted.epochs_trained,
        "precision": fitted.precision,
        "channel_names": names,
        "reference": fitted.reference.to_plain() if fitted.reference else None,
    }
    write_archive(path, fitted.keras_model, {**values, **(about or {})})
    if named is None and not is_model(fitted.spec.network):
        text = (
            "The file keeps the network, but not the function that made it. Series of other lengths and "
            "other `network_params` will require it: load(path, network=...)."
        )
        warn(text)


def load(
    path: Path | str, network: Callable[..., keras.Model] | None = None
) -> tuple[FittedNetwork, dict[str, Any]]:
    """Read what `save` wrote; no code in the file is run.

    Args:
        path: The file.
        network: The function that made the network. Without it, the loaded model itself says what to build
            in further training.

    Returns:
        The fitted network, and all values of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, or another program wrote it; or it names its network, and a
            function is given.
    """
    model, about = read_archive(path)
    with damage_of(path):
        _require_figures(about)
        task = _task(about)
        outputs = model.output_shape[-1]
        rule = "There must be a label for each output, or a mean of targets."
        require(task.n_outputs == outputs, rule, task=task, outputs=outputs)
        named, options = about["network"]["name"], from_plain(about["network"]["options"])
        chosen = named or network
        fitted = FittedNetwork(
            model,
            NetworkSpec(chosen, options) if chosen else NetworkSpec(members(split(model)[1])[0]),
            from_plain(about["network_options"]),
            task,
            InputPolicy(**about["inputs"]),
            about["history"],
            about["epochs_trained"],
            about["precision"],
            from_plain(about.get("channel_names")),
            Reference.from_plain(known, n_features(model)) if (known := about.get("reference")) else None,
        )
        rule = "There must be options for each member."
        require(len(fitted.options) == len(members(fitted.network)), rule, options=len(fitted.options))
    rule = "`network` is the function of a network of your own; this file names its network."
    require(named is None or network is None, rule, network=network, named=named)
    return fitted, about


def _task(about: Mapping[str, Any]) -> Task:
    """The reverse of `Task.to_plain`.

    Raises:
        KeyError: If values are missing.
        TypeError: If they are of another type.
        ValueError: If labels are no distinct numbers or strings, or a number is not finite.
    """
    if "classes" not in about:
        mean, std = (_numbers(about[name]) for name in ("target_mean", "target_std"))
        good = np.shape(mean) == np.shape(std) and bool(np.isfinite([mean, std]).all() and np.min(std) > 0)
        require(good, "The unit of targets must be finite.", mean=mean, std=std)
        return Regression(mean, std)
    if "thresholds" in about:
        return MultiLabel.of(about["thresholds"])
    labels, dtype = list(about["classes"]), np.dtype(about["dtype"])
    plain = all(isinstance(label, str | int | float) for label in labels)
    rule = "Labels must be numbers or strings, and differ."
    require(plain and len(set(labels)) == len(labels) > 0, rule, labels=labels[:5])
    fits = dtype.kind in LABEL_KINDS and len(labels) * dtype.itemsize <= _MOST_BYTES
    require(
        fits,
        f"Labels must be numbers or strings of at most {_MOST_BYTES >> 20} MiB in all.",
        dtype=str(dtype),
    )
    return Classification(np.array(labels, dtype=dtype))


def _numbers(value: Any) -> Numbers:
    """One number, or several as a tuple."""
    return tuple(map(float, value)) if isinstance(value, list) else float(value)


def _require_figures(about: Mapping[str, Any]) -> None:
    """Check the figures of training and the precision."""
    figures = [figure for one in about["history"].values() for figure in one]
    numbers = all(isinstance(figure, int | float) for figure in figures)
    require(numbers, "`history` must hold numbers by name.", history=sorted(about["history"])[:5])
    trained = about["epochs_trained"]
    require(type(trained) is int and trained >= 0, "`epochs_trained` must be a number.", epochs=trained)
    require_choice("precision", about["precision"], get_args(Precision))


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
    """Parameters of an estimator in JSON's terms, see `to_plain`; without code and paths."""
    return {name: to_plain(value) for name, value in parameters.items() if name not in _OF_THIS_MACHINE}


def parameters_from_plain(values: Mapping[str, Any], spec: NetworkSpec) -> dict[str, Any]:
    """The reverse of `plain_parameters`; code and paths that a file may name are left out.

    Where a function made the network, which a file does not keep, the spec has what takes its place.
    """
    parameters = {name: from_plain(value) for name, value in values.items() if name not in _OF_THIS_MACHINE}
    if parameters.get("network", "") is None:
        parameters |= {"network": spec.network, "network_params": spec.options or None}
    return parameters


def lost_objects(parameters: Mapping[str, Any]) -> list[str]:
    """Names of parameters, and of fields of a recipe among them, that a file does not keep."""
    recipes = (value for value in parameters.values() if isinstance(value, Recipe))
    of_recipes = {f"recipe__{name}": value for recipe in recipes for name, value in vars(recipe).items()}
    named = {**of_recipes, **{n: v for n, v in parameters.items() if not isinstance(v, Recipe)}}
    return [name for name, value in named.items() if value is not None and to_plain(value) is None]


def warn_of_lost(parameters: Mapping[str, Any]) -> None:
    """Warn of objects among the parameters of an estimator that a file does not keep, and training needs."""
    if lost := [name for name in lost_objects(parameters) if name in _TRAIN_WITH]:
        text = f"The file does not keep objects: {', '.join(lost)}."
        warn(f"{text} Set them on what `load` returns before you train it.")
