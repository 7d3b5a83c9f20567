"""What to build: a network by name or by function, and the one place where its options are merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from inspect import Parameter, signature
from typing import Any

import keras
import numpy as np

from mlstm_fcn import models
from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.fitting.own_network import built_anew, is_model, require_functional, require_mask
from mlstm_fcn.training.recipes import Recipe

Shape = tuple[int | None, int]
"""`(time, channels)`; time is None for any length."""


_NOT_GIVEN = "not given"
_WHAT = "`network` must be a name, a `keras.Model`, or a function that returns a `keras.Model`."
_ONE_LENGTH = (
    "A Keras model without a mask reads series of one length. Others require the function that made the "
    "network: set `network` to it, as in `load(path, network=...)`."
)


@dataclass(frozen=True, eq=False)
class NetworkSpec:
    """A network and the options that the caller gave.

    Attributes:
        network: A name of `models.names()`; or a function `f(input_shape, n_outputs, **options)` that returns
            a `keras.Model`; or such a model, whose layers are built anew. A function that takes `masked` is
            asked with True for a model of `[series, mask]`: the mask, bool `(batch, time)`, is True at each
            step that belongs to the series, and False in the padding.
        options: Options of the network's config, or further arguments of the function.
    """

    network: str | Callable[..., keras.Model] | keras.Model
    options: Mapping[str, Any] = field(default_factory=dict)

    def trained_by(self, options: Mapping[str, Any]) -> str:
        """The name of the trainer of a member with these options, see `fitting.members.TRAINERS`."""
        config = self._config(options)
        return config.trained_by if config else "gradient"

    def network_of(self, options: Mapping[str, Any]) -> str | Callable[..., keras.Model] | None:
        """The network of a member: the option `network` names one that differs from the others'."""
        return options.get("network", self.network)

    def _config(self, options: Mapping[str, Any]) -> models.NetworkConfig | None:
        """The config of a member with these options, or None if its network is no name."""
        network = self.network_of(options)
        return models.config(network, **_without_network(options)) if isinstance(network, str) else None

    @property
    def reads_mask(self) -> bool:
        """Whether the network reads a mask in any case."""
        return is_model(self.network) and len(getattr(self.network, "inputs", ())) > 1

    def like(self, member: keras.Model) -> NetworkSpec:
        """What builds another network like one that it has built."""
        return replace(self, network=member) if is_model(self.network) else self

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
        rule = "Options require a name or a function as `network`: a Keras model has its own already."
        require(not (options and is_model(self.network)), rule, **options)
        if not isinstance(self.network, str):
            return options
        known = {one.name for _, config in models.MODELS.values() for one in fields(config)}
        for name in defaults:
            require_choice("network option", name, known)
        return {**models.config(self.network, **options).suited(defaults), **options}

    def resolved(self, recipe: Recipe, member: int, time: int) -> dict[str, Any]:
        """The options of a new member; those that follow the length of the training series as numbers."""
        options = self.merged(recipe, member)
        config = self._config(options)
        return {**options, **config.following(time)} if config else options

    def plan(self, recipe: Recipe, n_members: int, shape: tuple[int, int]) -> tuple[int | None, list[Any]]:
        """What new members are built with for training series of a shape.

        Returns:
            The length that they fix, or None if all read any length; and the options of each.
        """
        options = [self.resolved(recipe, member, shape[0]) for member in range(n_members)]
        fixed = any(config is None or config.fixes_length(*shape) for config in map(self._config, options))
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
            ValueError: If the function's model does not fit, or a model reads no mask and needs one.
        """
        network: Any = self.network_of(options)
        options, form = _without_network(options), {"activation": activation, "masked": masked}
        if isinstance(network, str):
            return models.build(network, shape, n_outputs, **form, **options)  # type: ignore[arg-type]
        if is_model(network):
            require(self.reads_mask or not masked, _ONE_LENGTH)
            made = built_anew(network, n_outputs)
        else:
            require(callable(network), _WHAT, network=network)
            made = network(shape, n_outputs, **_taken(network, form), **options)
        _require_fitting(made, shape, n_outputs)
        require_mask(made, shape[0], masked)
        return made

    def differs_from(self, other: NetworkSpec) -> dict[str, Any]:
        """Network and options that are not the same in another spec, with their values here.

        A function may take the place of the model that a file holds instead of it.
        """
        differing: dict[str, Any] = {}
        if not self.has_function_of(other) and not _same(self.network, other.network):
            differing["network"] = self.network
        for name in sorted(self.options.keys() | other.options.keys()):
            here, there = self.options.get(name, _NOT_GIVEN), other.options.get(name, _NOT_GIVEN)
            if not _same(here, there):
                differing[name] = here
        return differing

    def has_function_of(self, other: NetworkSpec) -> bool:
        """Whether a function may be the one that made the model of the other spec."""
        is_function = callable(self.network) and not is_model(self.network)
        return is_function and is_model(other.network)


def _without_network(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "network"}


def _same(one: Any, other: Any) -> bool:
    return one is other or bool(np.all(_plain(one) == _plain(other)))


def _plain(value: Any) -> Any:
    """Lists as tuples, since a saved file gives tuples back."""
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def _require_fitting(network: Any, shape: Shape, n_outputs: int) -> None:
    """Raise unless a user's function returned a network for these series and outputs."""
    require(isinstance(network, keras.Model), _WHAT, returned=type(network).__name__)
    require_functional(network)
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
