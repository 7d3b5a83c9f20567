"""Parameters that have options of their own, by scikit-learn's names, such as `recipe__optimizer`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from inspect import Parameter, signature
from typing import Any

from mlstm_fcn._checks import did_you_mean, require
from mlstm_fcn._options import given
from mlstm_fcn.engine import Engine
from mlstm_fcn.training.recipes import Recipe

_NESTED: dict[str, Any] = {"recipe": Recipe, "engine": Engine}
_MISSING = object()


def is_nested(name: str) -> bool:
    """Whether a name is that of an option within a parameter."""
    outer, separator, _ = name.partition("__")
    return bool(separator) and outer in _NESTED


def repair(name: str, known: Iterable[str]) -> str:
    """What to write in place of the name of a parameter that does not exist.

    Args:
        name: The unknown name.
        known: Names of the parameters.
    """
    option = name.removeprefix("recipe__")
    if option in {one.name for one in fields(Recipe)}:
        nested = f"recipe=Recipe({option}=...), or set_params(recipe__{option}=...)"
        return f"It is an option of the recipe: {nested}."
    nested_names = [f"{outer}__{one.name}" for outer, kind in _NESTED.items() for one in fields(kind)]
    every = ", ".join(sorted(set(known) - {"self"}))
    return did_you_mean(name, known) or did_you_mean(name, nested_names) or f"It has {every}."


def nested_options(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """All options within parameters, by their nested names; none of an unknown recipe, which fit refuses."""
    options: dict[str, Any] = {}
    for outer, kind in _NESTED.items():
        with suppress(ValueError):
            value = kind.named(parameters[outer])
            options |= {f"{outer}__{one.name}": getattr(value, one.name) for one in fields(kind)}
    return options


def require_taken(kind: type, names: Iterable[str]) -> None:
    """Raise a TypeError that helps if a constructor takes no parameter of a name."""
    known = signature(kind.__init__).parameters  # type: ignore[misc]
    if not any(one.kind is Parameter.VAR_KEYWORD for one in known.values()):
        for name in names:
            if name not in known:
                raise TypeError(_unknown(name, kind.__name__, known))


def _unknown(name: str, of: str, known: Iterable[str]) -> str:
    return f"{of} has no parameter {name!r}. {repair(name, known)}"


def flattened(changes: Mapping[str, Any], before: Mapping[str, Any], of: str) -> dict[str, Any]:
    """Changes of parameters, those of nested options as new values of the parameters that have them.

    Args:
        changes: New values by name.
        before: All parameters as they are.
        of: What has the parameters, for errors.

    Raises:
        ValueError: If a parameter or option does not exist, or a parameter replaces the option.
    """
    for name in changes:
        require(name in before or is_nested(name), _unknown(name, of, before))
    flat = {name: value for name, value in changes.items() if not is_nested(name)}
    for outer in _NESTED:
        prefix = f"{outer}__"
        options = {n.removeprefix(prefix): v for n, v in changes.items() if n.startswith(prefix)}
        flat |= _with_options(outer, options, {**before, **flat})
    return flat


def _with_options(outer: str, options: dict[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    value = _NESTED[outer].named(parameters[outer]) if options else None
    changed = {n for n, v in options.items() if getattr(value, n, _MISSING) != v}
    for name in changed & given(parameters).keys():
        rule = f"`{name}` replaces `{outer}__{name}`: set `{name}` itself, or leave it to the {outer}."
        require(False, rule, **{name: parameters[name]})
    return {outer: value.but(**options)} if value and changed else {}
