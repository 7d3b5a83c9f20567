"""One series, coloured by what it contributes to the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlstm_fcn import explain as explanations
from mlstm_fcn._arrays import as_array
from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn.explain.activations import has_class_activation_map
from mlstm_fcn.explain.containers import fitted_network, opened, require_one_answer
from mlstm_fcn.plotting.canvas import COLUMN, Display, Grid, canvas, short, two_sided

_PIECES = 400  # of a line, each with a colour
_MOST_NAMES = 24  # of channels beside the lines
_WIDTHS = 0.7, 2.6  # points, of a line at zero and at the largest value


@dataclass
class SeriesDisplay(Display):
    """All channels of a series, one above the other, as lines with the colour and width of a value.

    Args:
        series: The series, `(channels, time)`; NaN is missing.
        values: Values of the steps, `(channels, time)`, or `(1, time)` for all channels; zero is grey.
        label: What the values are.
        channels: Names of the channels; None for their numbers.

    Attributes:
        axes_: The axes of the last `plot`.
        figure_: Their figure.

    Raises:
        ValueError: If `values` does not suit `series`.
    """

    series: np.ndarray
    values: np.ndarray
    label: str
    channels: Sequence[Any] | None = None

    def __post_init__(self) -> None:
        channels, steps = self.series.shape
        rule = f"`values` must have the shape {(channels, steps)} of the series, or {(1, steps)}."
        require(self.values.shape in ((channels, steps), (1, steps)), rule, shape=self.values.shape)

    def _grid(self) -> Grid:
        return Grid(height=height_of(len(self.series)))

    def _draw(self, axes: np.ndarray) -> None:
        from matplotlib.collections import LineCollection

        ax = axes[0, 0]
        values = np.broadcast_to(self.values, self.series.shape)
        largest = float(np.nanmax(np.abs(values), initial=0)) or 1.0
        pieces, levels = _pieces(self.series, values)
        thin, thick = _WIDTHS
        lines = LineCollection(
            pieces,
            array=levels,
            cmap=two_sided(),
            linewidths=thin + (thick - thin) * np.abs(levels) / largest,
            capstyle="round",
        )
        lines.set_clim(-largest, largest)
        ax.add_collection(lines)
        ax.set(xlim=(0, max(self.series.shape[1] - 1, 1)), ylim=(0.4 - len(self.series), 0.6))
        every = -(-len(self.series) // _MOST_NAMES)
        shown = range(0, len(self.series), every)
        names = range(len(self.series)) if self.channels is None else self.channels
        ax.set_yticks([-number for number in shown], [short(names[number]) for number in shown])
        ax.set_xlabel("step")
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
        bar = ax.figure.colorbar(lines, ax=ax, location="bottom", aspect=30, label=self.label)
        bar.outline.set_visible(False)
        bar.locator = _sparse_ticks()
        bar.update_ticks()


def _sparse_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=4, symmetric=True)


def _pieces(series: np.ndarray, values: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Pieces of the lines, `(points, 2)`, channel `c` around `-c`, and the mean value of each."""
    steps = np.arange(series.shape[1])
    length = max(1, -(-len(steps) // _PIECES))
    pieces, levels = [], []
    for channel, (line, level) in enumerate(zip(series, values, strict=True)):
        known = line[np.isfinite(line)]
        low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
        heights = 0.9 * (line - (low + high) / 2) / (high - low or 1) - channel
        for start in range(0, max(len(steps) - 1, 1), length):
            part = slice(start, start + length + 1)
            pieces.append(np.column_stack([steps[part], heights[part]]))
            levels.append(level[part].mean())
    return pieces, np.array(levels)


def height_of(channels: int) -> float:
    """Inches of a figure of a series."""
    return 1.0 + 0.3 * min(channels, _MOST_NAMES)


def class_activation_map(estimator: Any, x: Any, *, label: Any = None, ax: Any = None) -> Any:
    """Draw a series, coloured by how much each step speaks for a class and against the mean of all classes.

    Args:
        estimator: A fitted estimator or `fitting.FittedNetwork`; its network has the average head.
        x: One series `(channels, time)`, or a data frame `(time, channels)`.
        label: The class; None for the predicted one.
        ax: Axes, see `mlstm_fcn.plotting`.

    Returns:
        The axes.

    Raises:
        ValueError: If `x` is not one series, there is no such class, or the network has another head.
    """
    X = one(x)
    shown, names = _shown(estimator, X)
    (maps,) = explanations.class_activation_map(estimator, X)
    values = np.full((1, shown.shape[1]), np.nan)
    number, about = _output(estimator, X, label)
    relative = maps[number] - (maps.mean(axis=0) if len(maps) > 1 else 0)
    values[0, : len(relative)] = relative[: shown.shape[1]]
    return SeriesDisplay(shown, values, f"evidence for {about}", names).plot(ax).axes_


def occlusion(
    estimator: Any, x: Any, *, size: int | None = None, background: Any = None, ax: Any = None
) -> Any:
    """Draw a series, coloured by how much the prediction falls when a window around each step is hidden.

    Args:
        estimator: As for `mlstm_fcn.explain.occlusion`.
        x: One series `(channels, time)`, or a data frame `(time, channels)`.
        size: Size of the window in steps; None for a tenth of the series. Windows overlap by half.
        background: What hides a window, as for `mlstm_fcn.explain.occlusion`.
        ax: Axes, see `mlstm_fcn.plotting`.

    Returns:
        The axes.

    Raises:
        ValueError: If `x` is not one series, or `size` or `background` is not what it must be.
    """
    X = one(x)
    shown, names = _shown(estimator, X)
    size = max(1, round(shown.shape[1] / 10)) if size is None else size
    require_positive_int("size", size)
    (fall,) = explanations.occlusion(estimator, X, size=size, stride=max(1, size // 2), background=background)
    of = f"P({short(_prediction(estimator, X))})" if hasattr(estimator, "predict_proba") else "the prediction"
    return SeriesDisplay(shown, fall, f"fall of {of} if hidden", names).plot(ax).axes_


def explain(
    estimator: Any, x: Any, *, size: int | None = None, background: Any = None, ax: Any = None
) -> Any:
    """Draw why one series got its answer: evidence by step on the left, the effect of hiding it on the right.

    A network without class activation maps, or an estimator of another package, has the right panel alone.

    Args:
        estimator: As for `mlstm_fcn.explain.occlusion`.
        x: One series `(channels, time)`, such as `X[i]`, or a data frame `(time, channels)`.
        size: Size of the hidden window in steps; None for a tenth of the series.
        background: What hides a window, as for `mlstm_fcn.explain.occlusion`.
        ax: Axes, see `mlstm_fcn.plotting`.

    Returns:
        The axes: an array of one or two.

    Raises:
        ValueError: If `x` is not one series, or `size` or `background` is not what it must be.
    """
    X = one(x)
    shown, _ = _shown(estimator, X)
    maps = has_class_activation_map(estimator)
    grid = Grid(columns=1 + maps, width=COLUMN * (1 + maps / 2), height=height_of(len(shown)))
    with canvas(ax, grid) as axes:
        *left, right = axes[0]
        for one_ax in left:
            class_activation_map(estimator, X, ax=one_ax)
        occlusion(estimator, X, size=size, background=background, ax=right)
        if left:
            right.tick_params(labelleft=False)
        axes[0, 0].set_title(_answer(estimator, X), loc="left")
    return axes.ravel()


def one(x: Any) -> Any:
    """A set of one series, in the container that the series suggests.

    Raises:
        ValueError: If `x` holds several.
    """
    rule = "`x` must be one series (channels, time), such as `X[i]`."
    if hasattr(x, "columns"):
        nested = hasattr(x.iloc[0, 0], "__len__")
        n_cases = len(x.index.unique(0)) if nested or x.index.nlevels > 1 else 1
        require(n_cases == 1, rule, n_cases=n_cases)
        return x if nested or x.index.nlevels > 1 else [x]
    if isinstance(x, list) and len(x) == 1 and hasattr(x[0], "columns"):
        return x
    array = np.asarray(as_array(x))
    array = array if array.ndim == 3 else np.atleast_2d(array)[None]
    require(array.ndim == 3 and len(array) == 1, rule, shape=np.shape(x))
    return array


def _shown(estimator: Any, X: Any) -> tuple[np.ndarray, Sequence[Any] | None]:
    """The series `(channels, time)`, and names of its channels where they have any."""
    (series,), _ = opened(estimator, X)
    fitted = fitted_network(estimator)
    return series, fitted.channel_names if fitted else None


def _prediction(estimator: Any, X: Any) -> Any:
    return np.asarray(estimator.predict(X)).ravel()[0]


def _output(estimator: Any, X: Any, label: Any) -> tuple[int, str]:
    """The number and the name of the output that is explained."""
    require_one_answer(estimator)
    if not hasattr(estimator, "predict_proba"):
        return 0, "a larger number"
    fitted: Any = fitted_network(estimator)
    labels = fitted.task.labels.tolist()
    label = _prediction(estimator, X) if label is None else label
    require(label in labels, "`label` must be one of the classes.", label=label, classes=labels)
    return labels.index(label), short(label)


def _answer(estimator: Any, X: Any) -> str:
    prediction = _prediction(estimator, X)
    if not hasattr(estimator, "predict_proba"):
        return f"prediction {prediction:.4g}"
    return f"{short(prediction)}, probability {np.max(estimator.predict_proba(X)):.2f}"
