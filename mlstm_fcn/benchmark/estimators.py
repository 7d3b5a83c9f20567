"""Estimators by name, by import path, or as objects; fingerprints of estimators."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib import import_module
from inspect import getsource, isfunction, signature
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import get_tags

from mlstm_fcn._checks import require, require_choice

KNOWN = {
    "minirocket": "sktime.classification.kernel_based.RocketClassifier(rocket_transform='minirocket')",
    "rocket": "sktime.classification.kernel_based.RocketClassifier()",
    "dtw": "sktime.classification.distance_based.KNeighborsTimeSeriesClassifier()",
}
"""Names of sktime's classifiers, in addition to the networks of `mlstm_fcn.models.names()`."""

NAME = re.compile(r"[\w+-][\w.+-]*")
"""Pattern of names that may be used for folders."""

_MISSING = object()
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True)
class NamedEstimator:
    """An estimator with its name in a benchmark.

    Attributes:
        name: Name in tables and folders.
        estimator: An unfitted classifier of scikit-learn or sktime; the benchmark fits clones of it.

    Raises:
        ValueError: If the name is not a folder name, or the object is not a classifier.
    """

    name: str
    estimator: Any

    def __post_init__(self) -> None:
        rule = (
            "An estimator's name may have only letters, digits and . _ + -, and must not start with a period."
        )
        require(bool(NAME.fullmatch(self.name)), rule, name=self.name)
        rule = "A classifier must be an object with the methods `fit` and `predict`."
        fits = hasattr(self.estimator, "fit") and hasattr(self.estimator, "predict")
        require(fits and not isinstance(self.estimator, type), rule, estimator=self.estimator)

    @property
    def description(self) -> str:
        """Fingerprint of the estimator: its class and the parameters that differ from their defaults."""
        return fingerprint(self.estimator)

    def seeded(self, seed: int) -> Any:
        """Clone the estimator, and set every `random_state` in it to the seed."""
        copy = clone(self.estimator)
        states = [name for name in copy.get_params() if name.rpartition("__")[2] == "random_state"]
        return copy.set_params(**dict.fromkeys(states, seed))

    def reads_series(self) -> bool:
        """Whether the estimator, or one nested in it, accepts 3D series; otherwise it gets 2D rows."""
        parts = [self.estimator, *self.estimator.get_params(deep=True).values()]
        return any(_reads_series(part) for part in parts)


def resolve(estimators: str | Iterable[Any] | Mapping[str, Any], **parameters: Any) -> list[NamedEstimator]:
    """Resolve names, import paths and objects to estimators.

    Args:
        estimators: A mapping from names to objects or strings, a sequence of these, or one string separated
            by commas. A string is a network of this package (`"fcn"`), a name in `KNOWN`, or an import path
            with literal arguments, optionally preceded by a name and `=`:
            `"MR=sktime.classification.kernel_based.RocketClassifier(num_kernels=500)"`. The default name is
            that of the class.
        **parameters: Parameters such as `n_epochs=3`, set on each estimator that has them.

    Returns:
        The estimators, in the given order.

    Raises:
        ValueError: If a string cannot be resolved, or two estimators have the same name.
        ImportError: If an import path does not exist.
    """
    if isinstance(estimators, str):
        estimators = split(estimators)
    pairs = estimators.items() if isinstance(estimators, Mapping) else ((None, one) for one in estimators)
    found = [_resolved(name, value) for name, value in pairs]
    names = [one.name for one in found]
    require(len(found) > 0, "There must be at least one estimator to compare.")
    require(len(set(names)) == len(names), "Estimators must have different names.", names=names)
    for one in found:
        accepted = {name: value for name, value in parameters.items() if name in one.estimator.get_params()}
        one.estimator.set_params(**accepted)
    return found


def split(text: str) -> list[str]:
    """Split at the commas outside brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def fingerprint(value: Any) -> str:
    """Describe a value in one line of text that is equal in every process, and differs for other values.

    An estimator is described by the parameters that differ from their defaults, so a new parameter at its
    default changes nothing. A function is described by its name and source, without the functions it calls.
    """
    return _ADDRESS.sub("", " ".join(_text(value).split()))


def _text(value):
    """Unlike `repr`, this abbreviates nothing, and lists exactly the parameters that differ from defaults."""
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_text, value))})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, type):
        return repr(value)
    if hasattr(value, "to_json") and hasattr(value, "layers"):  # a Keras model
        from mlstm_fcn.engine.fingerprint import architecture

        return f"{type(value).__name__} {_digest((architecture(value) or value.to_json()).encode())}"
    if isfunction(value):
        return f"{value!r} {_digest(_source(value).encode())}"
    if isinstance(value, np.ndarray) and value.size > np.get_printoptions()["threshold"]:  # repr abbreviates
        return f"{value!r} {_digest(np.ascontiguousarray(value).tobytes())}"
    if is_dataclass(value) and not hasattr(value, "get_params"):
        return _text_of_fields(value)
    if not hasattr(value, "get_params"):
        text = repr(value)
        return _text_of_object(value) if text == object.__repr__(value) else text
    defaults = {name: one.default for name, one in signature(type(value)).parameters.items()}
    parameters = {name: _text(own) for name, own in value.get_params(deep=False).items()}
    changed = [f"{name}={own}" for name, own in parameters.items() if own != _text(defaults.get(name))]
    return f"{type(value).__name__}({', '.join(changed)})"


def _text_of_fields(value):
    """A recipe, say, by the fields that differ from those of one made without arguments."""
    try:
        default = type(value)()
    except TypeError:
        default = None
    texts = {one.name: _text(getattr(value, one.name)) for one in fields(value)}
    changed = [f"{n}={text}" for n, text in texts.items() if text != _text(getattr(default, n, _MISSING))]
    return f"{type(value).__name__}({', '.join(changed)})"


def _source(function):
    try:
        return getsource(function)
    except (OSError, TypeError):  # defined interactively
        code = function.__code__
        return _ADDRESS.sub("", repr((code.co_code, code.co_consts, code.co_names)))


def _digest(value):
    return hashlib.sha256(value).hexdigest()[:16]


def _text_of_object(value):
    """Describe an optimizer, a callback, ... by its state, without its address and its numbered name."""
    state = value.get_config() if hasattr(value, "get_config") else getattr(value, "__dict__", {})
    held = [f"{name}={own!r}" for name, own in sorted(state.items()) if name != "name"]
    return f"{type(value).__name__}({', '.join(held)})"


def _resolved(name, value):
    if isinstance(value, NamedEstimator):
        return replace(value, estimator=clone(value.estimator))
    if not isinstance(value, str):
        unfitted = value if isinstance(value, type) else clone(value)  # NamedEstimator refuses a class
        return NamedEstimator(name or type(value).__name__, unfitted)
    prefix = re.match(r"([\w.+-]+)=", value.strip())
    text = value.strip()[prefix.end() :] if prefix else value.strip()
    return NamedEstimator(name or (prefix[1] if prefix else _short(text)), _constructed(text))


def _short(text):
    return text if text.isidentifier() else text.partition("(")[0].rpartition(".")[2]


def _constructed(text):
    if text.isidentifier():
        from mlstm_fcn import models
        from mlstm_fcn.estimators import MLSTMFCNClassifier, NetworkClassifier

        require_choice("estimator", text, [*models.names(), *KNOWN])
        if text == "mlstm_fcn":
            return MLSTMFCNClassifier(on_longer="cut")
        if text in models.names():
            return NetworkClassifier(network=text, on_longer="cut")
    path, arguments = _parsed(KNOWN.get(text, text))
    module, _, kind = path.rpartition(".")
    try:
        constructor: Any = getattr(import_module(module), kind)
    except AttributeError:
        raise ImportError(f"The module {module} has no attribute {kind}.") from None
    try:
        return constructor(**arguments)
    except TypeError as error:
        raise ValueError(f"{text} cannot be constructed: {error}") from error


def _reads_series(part):
    from sktime.base import BaseObject

    if isinstance(part, BaseObject):
        return True
    return isinstance(part, BaseEstimator) and get_tags(part).input_tags.three_d_array


def _parsed(text):
    """Parse a call to its path and keyword arguments, without evaluating it."""
    rule = "An estimator must be a name or an import path with literal arguments: package.Class(size=3)."
    try:
        tree = ast.parse(text, mode="eval").body
        call = tree if isinstance(tree, ast.Call) else None
        path = ast.unparse(call.func if call else tree)
        arguments = {word.arg: ast.literal_eval(word.value) for word in call.keywords} if call else {}
    except (SyntaxError, ValueError):
        path, call, arguments = "", None, {}
    plain = all(part.isidentifier() for part in path.split(".")) and "." in path
    require(plain and not (call and call.args) and None not in arguments, rule, estimator=text)
    return path, arguments
