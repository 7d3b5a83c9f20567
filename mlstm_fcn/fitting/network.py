"""What to build: a network by name or by function, and the one place where its options are merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from inspect import Parameter, signature
from typing import Any

import keras
import numpy as np

from mlstm_fcn import models
from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.training.recipes import Recipe

Shape = tuple[int | None, int]
"""`(time, channels)`; time is None for any length."""


_NOT_GIVEN = "not given"


@dataclass(frozen=True, eq=False)
class NetworkSpec:
    """A network and the options that the caller gave.

    Attributes:
        network: A name of `models.names()`; or a function `f(input_shape, n_outputs, **options)` that returns
            a `keras.Model`; or None for a function that a file could not hold.
        options: Options of the network's config, or further arguments of the function.
    """

    network: str | Callable[..., keras.Model] | None
    options: Mapping[str, Any] = field(default_factory=dict)

    def trained_by(self, options: Mapping[str, Any]) -> str:
        """The name of the trainer of a member with these options, see `fitting.members.TRAINERS`."""
        network = self.network_of(options)
        return models.config(network).trained_by if isinstance(network, str) else "gradient"

    def network_of(self, options: Mapping[str, Any]) -> str | Callable[..., keras.Model] | None:
        """The network of a member: the option `network` names one that differs from the others'."""
        return options.get("network", self.network)

    def merged(self, recipe: Recipe, member: int = 0) -> dict[str, Any]:
        """The options of a member: the one order of precedence.

        Later ones replace earlier ones: the network's config, then the recipe's network options and a named
        recipe's member options (both as far as the network has them), then the caller's options, then member
        options that the caller gave. A function has no config and takes no options of a recipe's network. The
        caller's options are for the caller's network: a member with another one leaves them out.

        Raises:
            ValueError: If the caller gave an option that the network does not have.
        """
        defaults, own = recipe.options_of(member)
        other = {**defaults, **own}.get("network", self.network)
        if other != self.network:
            return {"network": other, **models.config(str(other)).suited({**defaults, **own})}
        defaults, own = _without_network(defaults), _without_network(own)
        options = {**self.options, **own}
        if not isinstance(self.network, str):
            return options
        known = {one.name for _, config in models.MODELS.values() for one in fields(config)}
        for name in defaults:
            require_choice("network option", name, known)
        return {**models.config(self.network, **options).suited(defaults), **options}

    def resolved(self, recipe: Recipe, member: int, time: int) -> dict[str, Any]:
        """The options of a new member; those that follow the length of the training series as numbers."""
        options = self.merged(recipe, member)
        network = self.network_of(options)
        if not isinstance(network, str):
            return options
        return {**options, **models.config(network, **_without_network(options)).following(time)}

    def plan(self, recipe: Recipe, n_members: int, shape: tuple[int, int]) -> tuple[int | None, list[Any]]:
        """What new members are built with for training series of a shape.

        Returns:
            The length that they fix, or None if all read any length; and the options of each.
        """
        options = [self.resolved(recipe, member, shape[0]) for member in range(n_members)]
        if not all(isinstance(self.network_of(one), str) for one in options):
            return shape[0], options
        configs = [models.config(str(self.network_of(one)), **_without_network(one)) for one in options]
        fixed = any(config.fixes_length(*shape) for config in configs)
        return (shape[0] if fixed else None), options

    def build(
        self, shape: Shape, n_outputs: int, options: Mapping[str, Any], *, activation: str, masked: bool
    ) -> keras.Model:
        """An untrained network.

        Args:
            shape: Of its series.
            n_outputs: Number of outputs.
            options: What `resolved` gives.
            activation: Of the outputs, a name that Keras knows.
            masked: Whether it reads `[series, mask]`.

        Raises:
            ValueError: If the function is missing, or its model does not fit.
        """
        function: Any = self.network_of(options)
        options = _without_network(options)
        rule = "Training and other lengths require the function that made the network: set `network` to it."
        require(function is not None, rule, network=function)
        if isinstance(function, str):
            form: dict[str, Any] = {"activation": activation, "masked": masked}
            return models.build(function, shape, n_outputs, **form, **options)
        form = _taken(function, {"activation": activation, "masked": masked})
        made = function(shape, n_outputs, **form, **options)
        _require_fitting(made, shape, n_outputs)
        return made

    def differs_from(self, other: NetworkSpec) -> dict[str, Any]:
        """Network and options that are not the same in another spec, with their values here.

        A function that the other one has lost may be given again.
        """
        differing: dict[str, Any] = {}
        if other.network is not None and not _same(self.network, other.network):
            differing["network"] = self.network
        for name in sorted(self.options.keys() | other.options.keys()):
            here, there = self.options.get(name, _NOT_GIVEN), other.options.get(name, _NOT_GIVEN)
            if not _same(here, there):
                differing[name] = here
        return differing


def _without_network(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "network"}


def _same(one: Any, other: Any) -> bool:
    return one is other or bool(np.all(_plain(one) == _plain(other)))


def _plain(value: Any) -> Any:
    """Lists as tuples, since a saved file gives tuples back."""
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def _require_fitting(network: Any, shape: Shape, n_outputs: int) -> None:
    """Raise unless a user's function returned a network for these series and outputs."""
    rule = "`network` must be a name, or a function that returns a `keras.Model`."
    require(isinstance(network, keras.Model), rule, returned=type(network).__name__)
    inputs = network.input_shape[0] if isinstance(network.input_shape, list) else network.input_shape
    good = len(inputs) == 3 and all(
        one in (None, other) for one, other in zip(inputs[1:], shape, strict=True)
    )
    rule = f"The network must read series of shape (time, channels) = {shape}."
    require(good, rule, input_shape=inputs)
    rule = f"The network must have one output of shape (cases, {n_outputs})."
    require(network.output_shape == (None, n_outputs), rule, output_shape=network.output_shape)


def _taken(function: Callable[..., Any], form: dict[str, Any]) -> dict[str, Any]:
    """Those of `activation` and `masked` that a user's function takes."""
    parameters = signature(function).parameters
    takes_all = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
    taken = {name: value for name, value in form.items() if takes_all or name in parameters}
    rule = "A network function without a parameter `masked` requires series of one length."
    require("masked" in taken or not form["masked"], rule)
    return taken
