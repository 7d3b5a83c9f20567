"""The same estimators for any network: one of the table by name, or the user's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from mlstm_fcn._checks import require
from mlstm_fcn.estimators.classifier import BaseNetworkClassifier
from mlstm_fcn.estimators.hooks import Shape
from mlstm_fcn.estimators.parameters import TrainingParameters
from mlstm_fcn.estimators.regressor import BaseNetworkRegressor

if TYPE_CHECKING:
    import keras


@dataclass(kw_only=True, eq=False, repr=False)
class AnyNetwork(TrainingParameters):
    """The network of the estimators below.

    Parameters:
        network: A name of `mlstm_fcn.models.names()`, or a function `f(input_shape, n_outputs)` with
            input_shape = (time, channels) that gives a functional or sequential `keras.Model` from that
            shape to probabilities (or numbers). The function may take `activation` (`"softmax"` or
            `"linear"`), the output's. If it takes `masked`, it is asked with True for a network of
            `[series, mask]` where series differ in length.
        network_params: Further arguments by name: options of the config, or of the function.
    """

    network: str | Callable[..., keras.Model] = "mlstm_fcn"
    network_params: dict[str, Any] | None = None

    def _network_time(self, time: int, channels: int, member: int = 0) -> int | None:
        if not isinstance(self.network, str):
            return time
        from mlstm_fcn import models

        config = models.config(self.network, **self._options(member))
        return time if config.fixes_length(time, channels) else None

    def _network_options(self, time: int, channels: int, member: int = 0) -> dict[str, Any]:
        if not isinstance(self.network, str):
            return self._options(member)
        from mlstm_fcn import models

        return models.options_for(self.network, time, **self._options(member))

    def _network(self, shape: Shape, n_outputs: int, options: dict[str, Any], **form: Any) -> keras.Model:
        rule = (
            "Series of other lengths need the function that made the network, which is not in a saved file."
        )
        require(self.network is not None, rule, network=self.network)
        if not isinstance(self.network, str):
            made = self.network(shape, n_outputs, **_taken(self.network, form), **options)
            _require_fitting(made, shape, n_outputs)
            return made
        from mlstm_fcn import models

        return models.build(self.network, shape, n_outputs, **form, **options)

    def _options(self, member: int = 0) -> dict[str, Any]:
        """What the preset says of networks, as far as this one has it, and what the user says."""
        recipe, given = self._recipe(), dict(self.network_params or {})
        if self.member_options is not None:
            given |= recipe.options_of(member)
        if not isinstance(self.network, str):
            return given
        from mlstm_fcn import models

        config = models.config(self.network, **given)
        preset: dict[str, Any] = {**recipe.network_options, **recipe.options_of(member)}
        blocks = preset.pop("se_blocks", None)  # the paper's, which are those of its own network
        if getattr(config, "pool_size", 1) > 1:  # pooling widens what the next block sees
            preset.pop("dilation_rates", None)
        if getattr(config, "selective_branches", None):  # they see several scales by themselves
            preset.pop("dilation_scales", None)
        if blocks and isinstance(config, models.LSTMFCNConfig) and config.recurrent is not None:
            preset["se_blocks"] = tuple(block for block in blocks if block in config.block_numbers)
        return {**{name: value for name, value in preset.items() if hasattr(config, name)}, **given}

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's checks."""
        small = {"filters": (4, 8), "kernel_sizes": (3, 3)}
        common = {"n_epochs": 1, "batch_size": 32}
        return [
            {"network": "fcn", "network_params": small, **common},
            {"network": "lstm_fcn", "network_params": {**small, "lstm_units": 2}, **common},
        ]


def _require_fitting(network: Any, shape: Shape, n_outputs: int) -> None:
    """Raise unless a user's function gave a network for these series and outputs."""
    import keras

    rule = "`network` must be a name, or a function that gives a `keras.Model`."
    require(isinstance(network, keras.Model), rule, given=type(network).__name__)
    inputs = network.input_shape[0] if isinstance(network.input_shape, list) else network.input_shape
    good = len(inputs) == 3 and all(
        one in (None, other) for one, other in zip(inputs[1:], shape, strict=True)
    )
    rule = f"The network must read series of shape (time, channels) = {shape}."
    require(good, rule, input_shape=inputs)
    rule = f"The network must have one output of shape (cases, {n_outputs})."
    require(network.output_shape == (None, n_outputs), rule, output_shape=network.output_shape)


def _taken(function: Callable[..., Any], form: dict[str, Any]) -> dict[str, Any]:
    parameters = signature(function).parameters
    takes_all = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
    taken = {name: value for name, value in form.items() if takes_all or name in parameters}
    rule = "A network function without a parameter `masked` needs series of one length."
    require("masked" in taken or not form["masked"], rule)
    return taken


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkClassifier(AnyNetwork, BaseNetworkClassifier):
    """A classifier with any network of this package, or of the user.

    Parameters:
    {inherited parameters}

    Attributes:
        classes_: The labels, sorted, in the dtype they came in.
        model_: The trained `keras.Model`, from `(batch, time, channels)` in the units of the data to
            probabilities.
        network_options_: Options of the network, or of each that votes: a tuple of dictionaries; those that
            follow the series' length as numbers.
        history_: Loss and accuracy of each epoch, by name; of an ensemble their means over the members.
        n_epochs_: Number of epochs of the last fit, and of each `partial_fit` since.

    Example:
        >>> from mlstm_fcn import NetworkClassifier, datasets
        >>> data = datasets.load("BasicMotions")
        >>> clf = NetworkClassifier(network="fcn", n_epochs=3, random_state=0)
        >>> clf.fit(data.X_train, data.y_train).predict(data.X_test).shape
        (40,)
    """


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkRegressor(AnyNetwork, BaseNetworkRegressor):
    """A regressor with any network of this package, or of the user.

    Parameters:
    {inherited parameters}

    Attributes:
        model_: The trained `keras.Model`, from `(batch, time, channels)` to the number, both in the units
            of the data.
        network_options_: Options of the network, or of each that votes: a tuple of dictionaries; those that
            follow the series' length as numbers.
        history_: Loss of each epoch, of standardised targets; of an ensemble the mean over the members.
        n_epochs_: Number of epochs of the last fit, and of each `partial_fit` since.

    Example:
        >>> from mlstm_fcn import NetworkRegressor, datasets
        >>> data = datasets.load("Covid3Month")
        >>> reg = NetworkRegressor(network="fcn", n_epochs=2, random_state=0)
        >>> reg.fit(data.X_train, data.y_train).predict(data.X_test).shape
        (61,)
    """
