"""Where a picture is drawn, and in which colours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn._optional import optional

_LONGEST = 24  # characters of a name
COLUMN = 3.5  # inches: the width of a column of a paper
_STYLE = {"font.size": 8, "axes.titlesize": "medium", "axes.labelsize": "medium", "legend.fontsize": "small"}


@dataclass(frozen=True)
class Grid:
    """Panels of a picture, and the size of the figure that holds them, in inches."""

    rows: int = 1
    columns: int = 1
    width: float = COLUMN
    height: float = 2.4

    @property
    def panels(self) -> int:
        """Number of panels."""
        return self.rows * self.columns


@contextmanager
def canvas(ax: Any, grid: Grid) -> Iterator[np.ndarray]:
    """The axes of the panels, `(rows, columns)`; text that is drawn in a new figure suits its size.

    Args:
        ax: None for a new figure; axes, whose place the panels divide; or an axes for each panel.
        grid: The panels.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `ax` has another number of axes than there are panels.
    """
    pyplot = optional("matplotlib.pyplot", "plot")
    if ax is not None:
        yield _panels(ax, grid)
        return
    with pyplot.rc_context(_STYLE):
        size = {"figsize": (grid.width, grid.height), "layout": "constrained"}
        _, axes = pyplot.subplots(grid.rows, grid.columns, squeeze=False, **size)
        yield axes


def _panels(ax: Any, grid: Grid) -> np.ndarray:
    given = np.ravel(np.asarray(ax, dtype=object))
    if len(given) == grid.panels:
        return given.reshape(grid.rows, grid.columns)
    rule = f"`ax` must be one axes of a grid, as `plt.subplots()` gives, or {grid.panels} axes."
    place: Any = given[0].get_subplotspec() if len(given) == 1 else None
    require(place is not None, rule, n_axes=len(given))
    given[0].set_axis_off()
    return place.subgridspec(grid.rows, grid.columns).subplots(squeeze=False)


class Display(ABC):
    """The numbers of a picture, and how they are drawn.

    Attributes:
        axes_: The axes of the last `plot`, an array of them where there are several panels.
        figure_: Their figure.
    """

    axes_: Any
    figure_: Any

    def plot(self, ax: Any = None) -> Self:
        """Draw, and keep the axes.

        Args:
            ax: None for a new figure; axes to draw in, whose place is divided where there are several panels;
                or an axes for each panel.

        Raises:
            ImportError: If matplotlib is not installed.
            ValueError: If `ax` has another number of axes than there are panels.
        """
        with canvas(ax, self._grid()) as axes:
            self._draw(axes)
        self.axes_ = axes[0, 0] if axes.size == 1 else axes.ravel()
        self.figure_ = axes[0, 0].figure
        return self

    @abstractmethod
    def _grid(self) -> Grid: ...

    @abstractmethod
    def _draw(self, axes: np.ndarray) -> None: ...


def short(name: Any) -> str:
    """A name on one line of at most 24 characters, which fits a picture."""
    line = " ".join("".join(one if one.isprintable() else " " for one in str(name)).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def shade(share: float) -> tuple[float, float, float]:
    """A colour between the background (0) and the text (1), as matplotlib's settings have them."""
    text = np.array(optional("matplotlib.colors", "plot").to_rgb(_settings()["text.color"]))
    red, green, blue = share * text + (1 - share) * float(not _is_dark())
    return red, green, blue


def two_sided() -> Any:
    """A colour map from blue (below zero) over grey to red, all of which stand out from the background."""
    ends = ("#7ab8ff", "#ff8a6b") if _is_dark() else ("#1663b0", "#c22f1e")
    colors = optional("matplotlib.colors", "plot")
    return colors.LinearSegmentedColormap.from_list("two_sided", [ends[0], shade(0.45), ends[1]])


def _is_dark() -> bool:
    """Whether text is light, so that the background is dark."""
    red, green, blue = optional("matplotlib.colors", "plot").to_rgb(_settings()["text.color"])
    return bool(0.3 * red + 0.6 * green + 0.1 * blue > 0.5)


def _settings() -> Any:
    return optional("matplotlib", "plot").rcParams
