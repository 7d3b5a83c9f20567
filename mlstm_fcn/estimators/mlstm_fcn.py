"""MLSTM-FCN as a classifier and as a regressor."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from mlstm_fcn._options import FROM_RECIPE, FromRecipe, given
from mlstm_fcn.estimators.classifier import BaseNetworkClassifier
from mlstm_fcn.estimators.parameters import TrainingParameters
from mlstm_fcn.estimators.regressor import BaseNetworkRegressor

if TYPE_CHECKING:
    from mlstm_fcn.fitting import NetworkSpec


@dataclass(kw_only=True, eq=False, repr=False)
class MLSTMFCNNetwork(TrainingParameters):
    """The network of the estimators below.

    Parameters:
        filters: Filters of each convolution block.
        kernel_sizes: Kernel size of each block, in steps; as many as `filters`.
        dilation_rates: Steps from one element of a kernel to the next, for each block; or the share, a float
            in (0, 1], of the longest training series that the blocks see together; None: 1 for all.
            `"recipe"`: 0.5, or None with the paper's.
        dilation_scales: Number of dilations side by side in each block, among which its filters are divided,
            each half of the one before. `"recipe"`: 1, or what a member of the recipe has.
        first_differences: Whether the convolutions also read the differences between neighbouring steps.
            `"recipe"`: False, or what a member of the recipe has.
        reduction: Ratio of squeeze-and-excitation; None: no squeeze-and-excitation, which is LSTM-FCN.
        se_blocks: Numbers, from 1, of the blocks that squeeze-and-excitation follows; None: all.
            `"recipe"`: all, or the first two with the paper's.
        lstm_units: Units of the LSTM; the paper searches 8 to 128.
        attention: Whether the LSTM attends to the whole sequence at every step, which is MALSTM-FCN.
        dropout: Share of the LSTM's output that training drops, in [0, 1).
        dimension_shuffle: Whether the LSTM reads channels as steps: True, False, `"auto"` (True for
            series that have more steps than channels), or `"both"` for an LSTM of each kind.
        head: How the convolutions' output is summarised over time: `"average"`, `"max"` or `"flatten"`.
    """

    filters: tuple[int, ...] = (128, 256, 128)
    kernel_sizes: tuple[int, ...] = (8, 5, 3)
    dilation_rates: tuple[int, ...] | float | FromRecipe | None = FROM_RECIPE
    dilation_scales: int | FromRecipe = FROM_RECIPE
    first_differences: bool | FromRecipe = FROM_RECIPE
    reduction: int | None = 16
    se_blocks: tuple[int, ...] | FromRecipe | None = FROM_RECIPE
    lstm_units: int = 8
    attention: bool = False
    dropout: float = 0.8
    dimension_shuffle: bool | Literal["auto", "both"] = "auto"
    head: Literal["average", "max", "flatten"] = "average"

    def network_spec(self) -> NetworkSpec:
        """The network, with the options that the constructor was given."""
        from mlstm_fcn.fitting import NetworkSpec

        own = {one.name for one in fields(MLSTMFCNNetwork)} - {one.name for one in fields(TrainingParameters)}
        options = {name: getattr(self, name) for name in sorted(own - {"attention"})}
        return NetworkSpec("malstm_fcn" if self.attention else "mlstm_fcn", given(options))

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's checks."""
        small = {"filters": (4, 8, 4), "reduction": 2, "lstm_units": 2, "n_epochs": 1, "batch_size": 32}
        return [small, {**small, "attention": True, "recipe": "paper", "head": "max"}]


@dataclass(kw_only=True, eq=False, repr=False)
class MLSTMFCNClassifier(MLSTMFCNNetwork, BaseNetworkClassifier):
    """Multivariate LSTM fully convolutional network (Karim et al. 2019) as a classifier.

    Two branches read the same series: convolution blocks, each followed by squeeze-and-excitation, and
    an LSTM over the transposed series. Scaling and the treatment of missing values are part of the model.

    Series may differ in length. Where the LSTM reads the transposed series (dimension shuffle), or with
    the flatten head, the longest training series fixes the length: shorter ones are padded to it and
    masked, longer ones are cut or refused, see `on_longer`.

    Parameters:
    {inherited parameters}

    Attributes:
    {inherited attributes}

    Example:
        >>> from mlstm_fcn import MLSTMFCNClassifier, datasets
        >>> data = datasets.load("BasicMotions")
        >>> clf = MLSTMFCNClassifier(n_epochs=3, random_state=0).fit(data.X_train, data.y_train)
        >>> clf.predict(data.X_test).shape
        (40,)

    References:
        Karim et al.: Multivariate LSTM-FCNs for Time Series Classification, arXiv 1801.04503.
    """


@dataclass(kw_only=True, eq=False, repr=False)
class MLSTMFCNRegressor(MLSTMFCNNetwork, BaseNetworkRegressor):
    """Multivariate LSTM fully convolutional network (Karim et al. 2019) with a linear output for each target.

    Parameters:
    {inherited parameters}

    Attributes:
    {inherited attributes}

    Example:
        >>> from mlstm_fcn import MLSTMFCNRegressor, datasets
        >>> data = datasets.load("Covid3Month")
        >>> MLSTMFCNRegressor(n_epochs=2).fit(data.X_train, data.y_train).predict(data.X_test).shape
        (61,)
    """
