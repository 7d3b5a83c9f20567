"""Estimators by name, by import path, or as objects."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
"""What others call their classifiers, beside the networks of `mlstm_fcn.models.names()`."""

NAME = re.compile(r"[\w+-][\w.+-]*")
"""Of what may be the name of a folder."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True)
class NamedEstimator:
    """An estimator as a benchmark knows it.

    Attributes:
        name: Its name in tables and folders.
        estimator: An unfitted classifier of scikit-learn or sktime, which is never fitted itself.
    """

    name: str
    estimator: Any

    def __post_init__(self) -> None:
        rule = "The name of an estimator must be of letters, digits and . _ + -, and not begin with a point."
        require(bool(NAME.fullmatch(self.name)), rule, name=self.name)
        rule = "A classifier must have `fit` and `predict`."
        fits = hasattr(self.estimator, "fit") and hasattr(self.estimator, "predict")
        require(fits and not isinstance(self.estimator, type), rule, estimator=self.estimator)

    @property
    def description(self) -> str:
        """The estimator and its parameters, in one line that is the same in every process."""
        return fingerprint(self.estimator)

    def seeded(self, seed: int) -> Any:
        """A copy whose every `random_state` is the seed."""
        copy = clone(self.estimator)
        states = [name for name in copy.get_params() if name.rpartition("__")[2] == "random_state"]
        return copy.set_params(**dict.fromkeys(states, seed))

    def reads_series(self) -> bool:
        """Whether it, or an estimator within it, takes series; else it takes rows of numbers."""
        parts = [self.estimator, *self.estimator.get_params(deep=True).values()]
        return any(_reads_series(part) for part in parts)


def resolve(estimators: str | Iterable[Any] | Mapping[str, Any], **parameters: Any) -> list[NamedEstimator]:
    """What `benchmark.run` compares.

    Args:
        estimators: Estimators by name: a mapping of names to objects or texts, or a sequence of them, or
            texts joined by commas. A text is a network of this package (`"fcn"`), one of `KNOWN`, or an
            import path with arguments that are plain values:
            `"MR=sktime.classification.kernel_based.RocketClassifier(num_kernels=500)"`; before `=` stands
            the name, which is the class's without one.
        **parameters: Set on those of the estimators that have them, as `n_epochs=3`.

    Returns:
        The estimators, in their order.

    Raises:
        ValueError: If a text names none, or two have the same name.
        ImportError: If an import path leads nowhere.
    """
    if isinstance(estimators, str):
        estimators = split(estimators)
    pairs = estimators.items() if isinstance(estimators, Mapping) else ((None, one) for one in estimators)
    found = [_resolved(name, value) for name, value in pairs]
    names = [one.name for one in found]
    require(len(found) > 0, "There must be an estimator to compare.")
    require(len(set(names)) == len(names), "Estimators must have different names.", names=names)
    for one in found:
        taken = {name: value for name, value in parameters.items() if name in one.estimator.get_params()}
        one.estimator.set_params(**taken)
    return found


def split(text: str) -> list[str]:
    """Parts between commas that stand in no bracket."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def fingerprint(value: Any) -> str:
    """A value as a line of text that is the same in every process, and another one for other values.

    A function is told by its own name and source; the functions that it calls are not looked at.
    """
    return _ADDRESS.sub("", " ".join(_text(value).split()))


def _text(value):
    """An estimator with all parameters that are not defaults; its own representation leaves things out."""
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_text, value))})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, type):
        return repr(value)
    if isfunction(value):
        return f"{value!r} {_digest(_source(value).encode())}"
    if isinstance(value, np.ndarray) and value.size > np.get_printoptions()["threshold"]:  # repr leaves out
        return f"{value!r} {_digest(np.ascontiguousarray(value).tobytes())}"
    if not hasattr(value, "get_params"):
        text = repr(value)
        return _text_of_object(value) if text == object.__repr__(value) else text
    defaults = {name: one.default for name, one in signature(type(value)).parameters.items()}
    parameters = {name: _text(own) for name, own in value.get_params(deep=False).items()}
    changed = [f"{name}={own}" for name, own in parameters.items() if own != _text(defaults.get(name))]
    return f"{type(value).__name__}({', '.join(changed)})"


def _source(function):
    try:
        return getsource(function)
    except (OSError, TypeError):  # typed into an interpreter
        code = function.__code__
        return _ADDRESS.sub("", repr((code.co_code, code.co_consts, code.co_names)))


def _digest(value):
    return hashlib.sha256(value).hexdigest()[:16]


def _text_of_object(value):
    """An optimizer, a callback, ...: its representation tells its place; its name may count its like."""
    state = value.get_config() if hasattr(value, "get_config") else getattr(value, "__dict__", {})
    held = [f"{name}={own!r}" for name, own in sorted(state.items()) if name != "name"]
    return f"{type(value).__name__}({', '.join(held)})"


def _resolved(name, value):
    if isinstance(value, NamedEstimator):
        return replace(value, estimator=clone(value.estimator))
    if not isinstance(value, str):
        unfitted = value if isinstance(value, type) else clone(value)  # a class is refused there
        return NamedEstimator(name or type(value).__name__, unfitted)
    given = re.match(r"([\w.+-]+)=", value.strip())
    text = value.strip()[given.end() :] if given else value.strip()
    return NamedEstimator(name or (given[1] if given else _short(text)), _made(text))


def _short(text):
    return text if text.isidentifier() else text.partition("(")[0].rpartition(".")[2]


def _made(text):
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
        made: Any = getattr(import_module(module), kind)
    except AttributeError:
        raise ImportError(f"There is no {kind} in {module}.") from None
    try:
        return made(**arguments)
    except TypeError as error:
        raise ValueError(f"{text} cannot be made: {error}") from error


def _reads_series(part):
    from sktime.base import BaseObject

    if isinstance(part, BaseObject):
        return True
    return isinstance(part, BaseEstimator) and get_tags(part).input_tags.three_d_array


def _parsed(text):
    """The path and the arguments of a call that is written down; nothing of it is run."""
    rule = "An estimator must be a name, or an import path with plain arguments, as package.Class(size=3)."
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
