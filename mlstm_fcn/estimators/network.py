"""The same estimators for any network: one of the table by name, or the user's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlstm_fcn.estimators.classifier import BaseNetworkClassifier
from mlstm_fcn.estimators.parameters import TrainingParameters
from mlstm_fcn.estimators.regressor import BaseNetworkRegressor

if TYPE_CHECKING:
    import keras

    from mlstm_fcn.fitting import NetworkSpec


@dataclass(kw_only=True, eq=False, repr=False)
class AnyNetwork(TrainingParameters):
    """The network of the estimators below.

    Parameters:
        network: A name of `mlstm_fcn.models.names()`; or a function `f(input_shape, n_outputs)` with
            input_shape = (time, channels) that gives a functional or sequential `keras.Model` from that
            shape to probabilities (or numbers); or such a model, whose layers each fit builds anew, with new
            weights. The function may take `activation`, the output's: `"softmax"`, `"linear"`, or `"sigmoid"`
            for several labels a case. If it takes `masked`, it is asked with True for a network of
            `[series, mask]` where series differ in length. The mask is bool, `(batch, time)`: True at each
            step of the series, False in the padding.
        network_params: Further arguments by name: options of the config, or of the function.
    """

    network: str | Callable[..., keras.Model] | keras.Model = "mlstm_fcn"
    network_params: dict[str, Any] | None = None

    def network_spec(self) -> NetworkSpec:
        """The network, with the options that the constructor was given."""
        from mlstm_fcn.fitting import NetworkSpec

        return NetworkSpec(self.network, dict(self.network_params or {}))

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's checks."""
        small, common = {"filters": (4, 8), "kernel_sizes": (3, 3)}, {"n_epochs": 1, "batch_size": 32}
        lstm = {"network": "lstm_fcn", "network_params": {**small, "lstm_units": 2}, **common}
        return [{"network": "fcn", "network_params": small, **common}, lstm]


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkClassifier(AnyNetwork, BaseNetworkClassifier):
    """A classifier with any network of this package, or of the user.

    Parameters:
    {inherited parameters}

    Attributes:
    {inherited attributes}

    Example:
        >>> from mlstm_fcn import NetworkClassifier, datasets
        >>> data = datasets.load("BasicMotions")
        >>> clf = NetworkClassifier(network="fcn", n_epochs=3).fit(data.X_train, data.y_train)
        >>> clf.predict(data.X_test).shape
        (40,)
    """


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkRegressor(AnyNetwork, BaseNetworkRegressor):
    """A regressor with any network of this package, or of the user.

    Parameters:
    {inherited parameters}

    Attributes:
    {inherited attributes}

    Example:
        >>> from mlstm_fcn import NetworkRegressor, datasets
        >>> data, reg = datasets.load("Covid3Month"), NetworkRegressor(network="fcn", n_epochs=2)
        >>> reg.fit(data.X_train, data.y_train).predict(data.X_test).shape
        (61,)
    """
