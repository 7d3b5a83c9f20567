"""How good the answers are, and on what they depend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mlstm_fcn import explain
from mlstm_fcn._case_order import by_position
from mlstm_fcn._checks import require
from mlstm_fcn.explain.containers import fitted_network, opened, require_one_answer
from mlstm_fcn.plotting.canvas import COLUMN, Display, Grid, canvas, shade

_MOST_CHANNELS = 30


@dataclass
class ImportanceDisplay(Display):
    """The loss of score when a channel is permuted: a bar for each channel, the largest on top.

    Args:
        importances: Of each channel and repeat, `(channels, n_repeats)`.
        channels: Names of the channels; None for their numbers.

    Attributes:
        axes_: The axes of the last `plot`.
        figure_: Their figure.
    """

    importances: np.ndarray
    channels: Sequence[Any] | None = None

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, **options: Any) -> ImportanceDisplay:
        """As `permutation_importance`."""
        found = explain.permutation_importance(estimator, X, y, **options)
        fitted = fitted_network(estimator)
        return cls(found.importances, fitted.channel_names if fitted else None)

    def _grid(self) -> Grid:
        return Grid(height=0.6 + 0.2 * min(len(self.importances), _MOST_CHANNELS))

    def _draw(self, axes: np.ndarray) -> None:
        ax, means = axes[0, 0], self.importances.mean(axis=1)
        order = (-means).argsort(kind="stable")[:_MOST_CHANNELS]
        names = [str(number if self.channels is None else self.channels[number]) for number in order]
        spread = self.importances[order].std(axis=1)
        ax.barh(
            range(len(order)), means[order], xerr=spread, error_kw={"ecolor": shade(0.6), "elinewidth": 1}
        )
        ax.set_yticks(range(len(order)), names)
        ax.axvline(0, color=shade(0.6), linewidth=0.8)
        ax.invert_yaxis()
        ax.set(xlabel="loss of score when permuted", ylabel="channel")


@dataclass
class LengthDisplay(Display):
    """The score of series that are cut after some of their steps.

    Args:
        steps: Lengths, in steps.
        scores: The score at each.
        measure: What the score is.

    Attributes:
        axes_: The axes of the last `plot`.
        figure_: Their figure.
    """

    steps: Sequence[int]
    scores: Sequence[float]
    measure: str = "accuracy"

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, n_lengths: int = 10) -> LengthDisplay:
        """As `accuracy_by_length`."""
        (cases, container), y = opened(estimator, X), by_position(X, y)
        longest = max(case.shape[1] for case in cases)
        first = 1 + max(
            int((~np.isnan(case)).any(axis=0).argmax()) for case in cases
        )  # where all have a value
        lengths = np.ceil(longest * np.arange(1, n_lengths + 1) / n_lengths).astype(int)
        steps = np.unique(lengths.clip(first)).tolist()
        scores = [estimator.score(container([case[:, :length] for case in cases]), y) for length in steps]
        return cls(steps, scores, "accuracy" if hasattr(estimator, "predict_proba") else "R²")

    def _grid(self) -> Grid:
        return Grid()

    def _draw(self, axes: np.ndarray) -> None:
        ax = axes[0, 0]
        ax.plot(self.steps, self.scores, marker=".")
        ax.set(xlabel="steps that are given", ylabel=self.measure, xlim=(0, None))
        if self.measure == "accuracy":
            ax.set_ylim(-0.02, 1.02)


def permutation_importance(estimator: Any, X: Any, y: Any, *, ax: Any = None, **options: Any) -> Any:
    """Draw the importance of the channels, the 30 largest, with standard deviations over repeats.

    Args:
        estimator: As for `mlstm_fcn.explain.permutation_importance`.
        X: Series, as for its `predict`.
        y: Targets.
        ax: Axes, see `mlstm_fcn.plotting`.
        **options: `n_repeats`, `scoring` and `random_state` of that function.

    Returns:
        The axes.
    """
    return ImportanceDisplay.from_estimator(estimator, X, y, **options).plot(ax).axes_


def accuracy_by_length(estimator: Any, X: Any, y: Any, *, n_lengths: int = 10, ax: Any = None) -> Any:
    """Draw the accuracy, or R² of a regressor, on the first steps of the series alone.

    Args:
        estimator: A fitted estimator or `fitting.FittedNetwork`.
        X: Series, as for its `predict`.
        y: Targets.
        n_lengths: Number of lengths, at equal distances up to the longest series; those at which a series has
            no value yet are left out.
        ax: Axes, see `mlstm_fcn.plotting`.

    Returns:
        The axes.
    """
    return LengthDisplay.from_estimator(estimator, X, y, n_lengths=n_lengths).plot(ax).axes_


def confusion_matrix(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    normalize: Literal["true", "pred", "all"] | None = None,
    ax: Any = None,
) -> Any:
    """Draw the number of cases by true and predicted class, with scikit-learn's `ConfusionMatrixDisplay`.

    Args:
        estimator: A fitted classifier or `fitting.FittedNetwork`.
        X: Series, as for its `predict`.
        y: True classes.
        normalize: Shares of the true class, of the predicted one or of all, instead of numbers.
        ax: Axes, see `mlstm_fcn.plotting`.

    Returns:
        The axes.
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    require_one_answer(estimator)
    y = by_position(X, y)
    predicted = np.asarray(estimator.predict(X))
    n_classes = len(np.union1d(np.asarray(y), predicted))
    side = max(COLUMN, 1.2 + 0.25 * n_classes)
    style: dict[str, Any] = {"cmap": None, "colorbar": False, "normalize": normalize}
    with canvas(ax, Grid(width=side, height=side * 0.9)) as axes:
        ConfusionMatrixDisplay.from_predictions(
            y,
            predicted,
            **style,
            xticks_rotation=45,
            values_format=".2f" if normalize else "d",
            ax=axes[0, 0],
        )
    for label in axes[0, 0].get_xticklabels():
        label.set(horizontalalignment="right", rotation_mode="anchor")
    return axes[0, 0]


def calibration(
    estimator: Any, X: Any, y: Any, *, label: Any = None, n_bins: int = 10, ax: Any = None
) -> Any:
    """Draw how often answers of a probability are right, with scikit-learn's `CalibrationDisplay`.

    Args:
        estimator: A fitted classifier or `fitting.FittedNetwork`.
        X: Series, as for its `predict`.
        y: True classes.
        label: A class, for its probability against all others; None for the probability of the predicted
            class, whichever it is.
        n_bins: Number of bins of equal width.
        ax: Axes, see `mlstm_fcn.plotting`.

    Returns:
        The axes.

    Raises:
        ValueError: If there is no such class.
    """
    from sklearn.calibration import CalibrationDisplay

    require_one_answer(estimator)
    fitted = fitted_network(estimator)
    labels: Any = np.asarray(fitted.task.labels if fitted else estimator.classes_)  # type: ignore[attr-defined]
    rule = "`label` must be one of the classes."
    require(label is None or label in labels.tolist(), rule, label=label, classes=labels.tolist())
    probabilities, y = estimator.predict_proba(X), np.asarray(by_position(X, y))
    if label is None:
        right, given = y == labels[probabilities.argmax(axis=1)], probabilities.max(axis=1)
    else:
        right, given = y == label, probabilities[:, labels.tolist().index(label)]
    name = "predicted class" if label is None else str(label)
    with canvas(ax, Grid(height=COLUMN * 0.9)) as axes:
        # scikit-learn's own line of perfect calibration is black, on any background.
        axes[0, 0].plot([0, 1], [0, 1], ":", color=shade(0.6), label="perfectly calibrated")
        style: dict[str, Any] = {"pos_label": 1, "n_bins": n_bins, "ref_line": False}
        CalibrationDisplay.from_predictions(right.astype(int), given, **style, name=name, ax=axes[0, 0])
    axes[0, 0].set(xlabel="mean predicted probability", ylabel="share that is right", aspect="equal")
    return axes[0, 0]
