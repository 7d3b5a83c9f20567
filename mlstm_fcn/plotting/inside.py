"""What the layers of a network let pass, choose and attend to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlstm_fcn import explain
from mlstm_fcn._case_order import by_position
from mlstm_fcn._checks import require
from mlstm_fcn.explain.containers import fitted_network, require_one_answer
from mlstm_fcn.models.ensemble import members
from mlstm_fcn.plotting.canvas import Display, Grid


@dataclass
class GatesDisplay(Display):
    """Mean gates of squeeze-and-excitation: a panel for each layer, a row for each class.

    A column is a filter. Filters are in the order of their mean gate; a class that differs breaks the order.

    Args:
        gates: Of each layer, by name, the mean gates `(classes, filters)`.
        classes: Names of the rows.

    Attributes:
        axes_: The axes of the last `plot`, an array of them where there are several panels.
        figure_: Their figure.
    """

    gates: Mapping[str, np.ndarray]
    classes: Sequence[Any]

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any = None) -> GatesDisplay:
        """As `gates`."""
        return cls(*_by_class(estimator, X, y, explain.gates(estimator, X)))

    def _grid(self) -> Grid:
        return Grid(rows=len(self.gates), height=_height(len(self.gates), len(self.classes)))

    def _draw(self, axes: np.ndarray) -> None:
        lowest, highest = _limits(self.gates)
        for ax, (name, gates) in zip(axes[:, 0], self.gates.items(), strict=True):
            order = gates.mean(axis=0).argsort()
            image = ax.imshow(gates[:, order], aspect="auto", interpolation="nearest")
            image.set_clim(lowest, highest)
            ax.set_title(_words(name), loc="left")
            ax.set_yticks(range(len(self.classes)), [str(label) for label in self.classes])
        axes[-1, 0].set_xlabel("filters, by mean gate")
        axes[0, 0].figure.colorbar(image, ax=list(axes[:, 0]), label="gate", aspect=30)


@dataclass
class KernelSharesDisplay(Display):
    """Shares of kernel lengths: a panel for each layer, a bar for each class.

    Args:
        shares: Of each layer, by name, the mean shares `(classes, branches)`, the shortest kernel first.
        spans: Of each layer, by name, the steps that each kernel spans.
        classes: Names of the bars.

    Attributes:
        axes_: The axes of the last `plot`, an array of them where there are several panels.
        figure_: Their figure.
    """

    shares: Mapping[str, np.ndarray]
    spans: Mapping[str, Sequence[int]]
    classes: Sequence[Any]

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any = None) -> KernelSharesDisplay:
        """As `kernel_shares`."""
        shares, classes = _by_class(estimator, X, y, explain.kernel_shares(estimator, X))
        spans = {}
        for name, layer in _layers(estimator).items():
            if name in shares:
                reach = layer.dilation_rate * (layer.kernel_size - 1)
                spans[name] = [branch * reach + 1 for branch in range(1, layer.branches + 1)]
        return cls({name: values.mean(axis=2) for name, values in shares.items()}, spans, classes)

    def _grid(self) -> Grid:
        return Grid(rows=len(self.shares), height=_height(len(self.shares), len(self.classes)))

    def _draw(self, axes: np.ndarray) -> None:
        places = np.arange(len(self.classes))
        for ax, (name, shares) in zip(axes[:, 0], self.shares.items(), strict=True):
            starts = np.zeros(len(places))
            for share, span in zip(shares.T, self.spans[name], strict=True):
                bars = ax.barh(places, share, left=starts, label=f"{span} steps")
                ax.bar_label(bars, fmt="%.2f", label_type="center", color="black")
                starts += share
            ax.set_title(_words(name), loc="left")
            ax.set_yticks(places, [str(label) for label in self.classes])
            ax.set(xlim=(0, 1), ylim=(len(places) - 0.4, -0.6))
            ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
        axes[-1, 0].set_xlabel("share of each kernel")


@dataclass
class AttentionDisplay(Display):
    """What each step of an attention LSTM attends to: a panel for each layer.

    Args:
        weights: Of each layer, by name, the weights `(steps, steps)`; rows sum to 1.
        steps: Of each layer, by name, what its steps are: `"channel"` or `"step"`.
        channels: Names of the channels; None for their numbers.

    Attributes:
        axes_: The axes of the last `plot`, an array of them where there are several panels.
        figure_: Their figure.
    """

    weights: Mapping[str, np.ndarray]
    steps: Mapping[str, str]
    channels: Sequence[Any] | None = None

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any) -> AttentionDisplay:
        """As `attention`."""
        weights = {name: of.mean(axis=0) for name, of in explain.attention(estimator, X).items()}
        steps = {
            name: "channel" if _reads_transposed(layer) else "step"
            for name, layer in _layers(estimator).items()
            if name in weights
        }
        fitted: Any = fitted_network(estimator)
        return cls(weights, steps, fitted.channel_names)

    def _grid(self) -> Grid:
        return Grid(rows=len(self.weights), height=2.8 * len(self.weights))

    def _draw(self, axes: np.ndarray) -> None:
        for ax, (name, weights) in zip(axes[:, 0], self.weights.items(), strict=True):
            image = ax.imshow(weights, interpolation="nearest", vmin=0)
            ax.set_title(_words(name), loc="left")
            ax.set(xlabel=f"attended {self.steps[name]}", ylabel=f"at {self.steps[name]}")
            if self.channels is not None and self.steps[name] == "channel":
                names = [str(channel) for channel in self.channels]
                ax.set_xticks(range(len(names)), names, rotation=90)
                ax.set_yticks(range(len(names)), names)
            else:
                for axis in (ax.xaxis, ax.yaxis):
                    axis.get_major_locator().set_params(integer=True)
            ax.figure.colorbar(image, ax=ax, label="weight")


def gates(estimator: Any, X: Any, y: Any = None, *, ax: Any = None) -> Any:
    """Draw the gates of squeeze-and-excitation by class and block.

    Args:
        estimator: A fitted estimator or `fitting.FittedNetwork`.
        X: Series, as for its `predict`.
        y: Classes of the series; None for the predicted ones. A regressor without `y` has one row.
        ax: Axes, see `mlstm_fcn.plotting`.

    Returns:
        The axes: an array with one for each layer, or the one.

    Raises:
        ValueError: If the network has no squeeze-and-excitation.
    """
    return GatesDisplay.from_estimator(estimator, X, y).plot(ax).axes_


def kernel_shares(estimator: Any, X: Any, y: Any = None, *, ax: Any = None) -> Any:
    """Draw how much of each kernel length the selective kernels take, by class and layer.

    Args:
        estimator: A fitted estimator or `fitting.FittedNetwork`.
        X: Series, as for its `predict`.
        y: Classes of the series; None for the predicted ones. A regressor without `y` has one bar.
        ax: Axes, see `mlstm_fcn.plotting`.

    Returns:
        The axes: an array with one for each layer, or the one.

    Raises:
        ValueError: If the network has no selective kernels.
    """
    return KernelSharesDisplay.from_estimator(estimator, X, y).plot(ax).axes_


def attention(estimator: Any, X: Any, *, ax: Any = None) -> Any:
    """Draw what each step of an attention LSTM attends to, the mean over the series.

    Args:
        estimator: A fitted estimator or `fitting.FittedNetwork`, say `MLSTMFCNClassifier(attention=True)`.
        X: Series, as for its `predict`.
        ax: Axes, see `mlstm_fcn.plotting`.

    Returns:
        The axes: an array with one for each layer, or the one.

    Raises:
        ValueError: If the network has no attention LSTM.
    """
    return AttentionDisplay.from_estimator(estimator, X).plot(ax).axes_


def _by_class(estimator, X, y, values):
    """The means of values, `(cases, ...)` by name, over the cases of each class; and the classes."""
    if y is None and not hasattr(estimator, "predict_proba"):
        return {name: of.mean(axis=0)[None] for name, of in values.items()}, ["all"]
    if y is None:
        require_one_answer(estimator)
    y = np.ravel(np.asarray(estimator.predict(X) if y is None else by_position(X, y)))
    n_cases = len(next(iter(values.values())))
    require(len(y) == n_cases, "`y` must have a class for each series.", y=len(y), X=n_cases)
    classes = np.unique(y).tolist()
    means = {
        name: np.stack([of[y == label].mean(axis=0) for label in classes]) for name, of in values.items()
    }
    return means, classes


def _layers(estimator):
    """The layers of all members, by the names that explanations give them."""
    fitted: Any = fitted_network(estimator)
    networks = members(fitted.network)
    prefixes = [f"member_{number}/" if len(networks) > 1 else "" for number in range(1, len(networks) + 1)]
    pairs = zip(prefixes, networks, strict=True)
    return {prefix + layer.name: layer for prefix, network in pairs for layer in network.layers}


def _reads_transposed(layer):
    import keras

    series, *_ = keras.tree.flatten(layer.input)
    return isinstance(series._keras_history.operation, keras.layers.Permute)


def _limits(values):
    return min(of.min() for of in values.values()), max(of.max() for of in values.values())


def _height(panels, rows):
    return 0.5 + panels * (0.35 + max(0.45, 0.17 * rows))


def _words(name):
    return name.replace("_", " ").replace("/", ": ")
