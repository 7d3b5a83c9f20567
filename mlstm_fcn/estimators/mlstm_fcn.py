"""MLSTM-FCN as a classifier and as a regressor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mlstm_fcn.estimators.classifier import BaseNetworkClassifier
from mlstm_fcn.estimators.hooks import Shape
from mlstm_fcn.estimators.parameters import TrainingParameters
from mlstm_fcn.estimators.regressor import BaseNetworkRegressor

if TYPE_CHECKING:
    import keras

_OPTIONS = (
    "filters",
    "kernel_sizes",
    "reduction",
    "squeeze",
    "gate",
    "lstm_units",
    "dropout",
    "dimension_shuffle",
    "head",
)
_PRESET_OPTIONS = (
    "dilation_rates",
    "dilation_scales",
    "first_differences",
    "se_blocks",
)  # None: the preset's


@dataclass(kw_only=True, eq=False, repr=False)
class MLSTMFCNNetwork(TrainingParameters):
    """The network of the estimators below.

    Parameters:
        filters: Filters of each convolution block.
        kernel_sizes: Kernel size of each block, in steps; as many as `filters`.
        dilation_rates: Steps from one element of a kernel to the next, for each block; or the share, a float
            in (0, 1], of the longest training series that the blocks should see. None for the preset's:
            0.5 by default, 1 step for all in the paper.
        dilation_scales: Dilations side by side in each block, among which its filters are divided, each half of the
            one before; None for the preset's.
        first_differences: Whether the convolutions read the differences between steps too, as further channels;
            None for the preset's.
        reduction: Ratio of squeeze-and-excitation; None for none, which makes it LSTM-FCN.
        se_blocks: Which blocks squeeze-and-excitation follows, numbered from 1; None for the preset's:
            all of them by default, the first two in the paper.
        squeeze: Its summary of time, `"mean"` or `"max"`.
        gate: Its activation, `"sigmoid"`, `"tanh"` or `"relu"`.
        lstm_units: Units of the LSTM; the paper searches 8 to 128.
        attention: Whether the LSTM attends to the whole sequence at every step, which makes it MALSTM-FCN.
        dropout: Share of the LSTM's output that training drops, in [0, 1).
        dimension_shuffle: Whether the LSTM reads channels as steps: True, False, `"auto"` for
            series that have more steps than channels, or `"both"` for an LSTM of each kind.
        head: How the convolutions' output is summarised over time: `"average"`, `"max"` or `"flatten"`.
    """

    filters: tuple[int, ...] = (128, 256, 128)
    kernel_sizes: tuple[int, ...] = (8, 5, 3)
    dilation_rates: tuple[int, ...] | float | None = None
    dilation_scales: int | None = None
    first_differences: bool | None = None
    reduction: int | None = 16
    se_blocks: tuple[int, ...] | None = None
    squeeze: Literal["mean", "max"] = "mean"
    gate: Literal["sigmoid", "tanh", "relu"] = "sigmoid"
    lstm_units: int = 8
    attention: bool = False
    dropout: float = 0.8
    dimension_shuffle: bool | Literal["auto", "both"] = "auto"
    head: Literal["average", "max", "flatten"] = "average"

    def _network_time(self, time: int, channels: int, member: int = 0) -> int | None:
        from mlstm_fcn import models

        name, options = self._name_and_options(member)
        return time if models.config(name, **options).fixes_length(time, channels) else None

    def _network_options(self, time: int, channels: int, member: int = 0) -> dict[str, Any]:
        from mlstm_fcn import models

        name, options = self._name_and_options(member)
        return models.options_for(name, time, **options)

    def _network(self, shape: Shape, n_outputs: int, options: dict[str, Any], **form: Any) -> keras.Model:
        from mlstm_fcn import models

        name, _ = self._name_and_options(0)
        return models.build(name, shape, n_outputs, **form, **options)

    def _name_and_options(self, member: int) -> tuple[str, dict[str, Any]]:
        recipe = self._recipe()
        options = {**recipe.network_options, **{name: getattr(self, name) for name in _OPTIONS}}
        options |= recipe.options_of(member)
        given = {name: value for name in _PRESET_OPTIONS if (value := getattr(self, name)) is not None}
        options |= given
        if "se_blocks" in options and "se_blocks" not in given:  # of a network that may have more blocks
            blocks = [block for block in options["se_blocks"] if block <= len(self.filters)]
            options["se_blocks"] = tuple(blocks)
        if self.member_options is not None:
            options |= recipe.options_of(member)
        return ("malstm_fcn" if self.attention else "mlstm_fcn"), options

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small settings for sktime's checks."""
        small = {"filters": (4, 8, 4), "reduction": 2, "lstm_units": 2, "n_epochs": 1, "batch_size": 32}
        return [small, {**small, "attention": True, "preset": "paper", "head": "max"}]


@dataclass(kw_only=True, eq=False, repr=False)
class MLSTMFCNClassifier(MLSTMFCNNetwork, BaseNetworkClassifier):
    """Multivariate LSTM fully convolutional network (Karim et al. 2019) as a classifier.

    Two branches read the same series: convolution blocks, each followed by squeeze-and-excitation, and
    an LSTM over the transposed series. Scaling and the treatment of missing values are part of the model.

    Series may differ in length. Where the LSTM reads the transposed series (dimension shuffle), or with
    the flatten head, the longest training series fixes the length: shorter ones are padded to it, which
    a mask keeps out of everything else, and longer ones are an error or are cut, see `on_longer`.

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
    """Multivariate LSTM fully convolutional network (Karim et al. 2019) with a linear output.

    As `MLSTMFCNClassifier`, but the last layer gives one number.

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
        >>> from mlstm_fcn import MLSTMFCNRegressor, datasets
        >>> data = datasets.load("Covid3Month")
        >>> reg = MLSTMFCNRegressor(n_epochs=2, random_state=0).fit(data.X_train, data.y_train)
        >>> reg.predict(data.X_test).shape
        (61,)
    """
