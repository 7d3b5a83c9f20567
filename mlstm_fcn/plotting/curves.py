"""How training went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.plotting.canvas import Display, Grid

_VALIDATION = "val_"


@dataclass
class LearningCurvesDisplay(Display):
    """Figures of each epoch, a panel for each figure; training and validation share a panel.

    Args:
        history: Figures of each epoch by name, as in `history_`.

    Attributes:
        axes_: The axes of the last `plot`, an array of them where there are several panels.
        figure_: Their figure.

    Raises:
        ValueError: If `history` is empty.
    """

    history: Mapping[str, Sequence[float]]

    def __post_init__(self) -> None:
        rule = "`history_` must hold an epoch; it is empty where no member was trained in epochs."
        require(any(len(figures) for figures in self.history.values()), rule)

    @classmethod
    def from_estimator(cls, estimator: Any) -> LearningCurvesDisplay:
        """The history of a fitted estimator, or of a `fitting.FittedNetwork`."""
        history = getattr(estimator, "history_", None)
        return cls(getattr(estimator, "history", {}) if history is None else history)

    @property
    def _figures(self) -> list[str]:
        names = dict.fromkeys(name.removeprefix(_VALIDATION) for name in self.history)
        return sorted(names, key=lambda name: name != "loss")  # first; the order of the others is Keras'

    def _grid(self) -> Grid:
        return Grid(rows=len(self._figures), height=0.6 + 1.3 * len(self._figures))

    def _draw(self, axes: np.ndarray) -> None:
        for ax, figure in zip(axes[:, 0], self._figures, strict=True):
            for name, label in ((figure, "training"), (_VALIDATION + figure, "validation")):
                values = self.history.get(name, ())
                if len(values):
                    epochs = np.arange(1, len(values) + 1)
                    ax.plot(epochs, values, label=label, marker="." if len(values) == 1 else "")
            ax.set_ylabel(figure.replace("_", " "))
            ax.xaxis.get_major_locator().set_params(integer=True)
            if _VALIDATION + figure in self.history:
                ax.legend(frameon=False)
        for ax in axes[:-1, 0]:
            ax.tick_params(labelbottom=False)
        axes[-1, 0].set_xlabel("epoch")


def learning_curves(estimator: Any, *, ax: Any = None) -> Any:
    """Draw loss and metrics of each epoch, of training and of validation cases.

    Args:
        estimator: A fitted estimator or `fitting.FittedNetwork`.
        ax: Axes, see `mlstm_fcn.plotting`.

    Returns:
        The axes: an array with one for each figure of the history.

    Raises:
        ValueError: If the history is empty.
    """
    return LearningCurvesDisplay.from_estimator(estimator).plot(ax).axes_
