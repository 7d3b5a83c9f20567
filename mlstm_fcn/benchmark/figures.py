"""The figures of a report, as SVG."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd

from mlstm_fcn._optional import optional
from mlstm_fcn._pictures import as_svg
from mlstm_fcn.benchmark.comparison import Comparison, mean_seconds

_MOST_PAIRS = 12  # scatter plots
_NAME = 28  # characters of a line of a name beside a scatter plot


def critical_difference(comparison: Comparison) -> str:
    """Critical difference diagram: mean ranks; bars join groups without a significant difference."""
    figure = _figure(7, 1.2 + 0.28 * len(comparison.ranks))
    posthocs = optional("scikit_posthocs", "plot")
    posthocs.critical_difference_diagram(
        comparison.ranks,
        comparison.p_values.clip(lower=1e-300),
        ax=figure.add_subplot(),
        label_fmt_left="{label}  {rank:.2f}",
        label_fmt_right="{rank:.2f}  {label}",
    )
    return as_svg(figure)


def cost(comparison: Comparison, table: pd.DataFrame) -> str:
    """Scatter plot of the mean of the measure against mean fit time, over the common data sets."""
    figure = _figure(7, max(4, 0.8 + 0.22 * len(comparison.ranks)))
    axes = figure.add_subplot()
    seconds = mean_seconds(table, comparison.common)
    for name in comparison.ranks.index:
        x, y = seconds[name], comparison.mean.loc[comparison.common, name].mean()
        axes.plot(x, y, "o", label=name)
    # Names at the points would cover each other.
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
    axes.set_xscale("log")
    axes.margins(0.1)
    axes.set_xlabel("mean fit time in seconds")
    axes.set_ylabel(f"mean {_words(comparison.measure)}")
    return as_svg(figure)


def scatter(comparison: Comparison) -> str:
    """Scatter plots of the best estimator by rank against each other one; a point per data set."""
    best, *others = comparison.ranks.index[: _MOST_PAIRS + 1]
    columns = min(3, len(others))
    rows = -(-len(others) // columns)
    figure = _figure(3.2 * columns, 3.2 * rows, layout="constrained")
    for number, other in enumerate(others, 1):
        axes = figure.add_subplot(rows, columns, number)
        pair = comparison.mean[[other, best]].dropna()
        low, high = _limits(pair.to_numpy())
        axes.plot([low, high], [low, high], color="grey", linewidth=0.8)
        axes.plot(pair[other], pair[best], "o", markersize=4, alpha=0.7)
        names = {"xlabel": fill(other, _NAME), "ylabel": fill(best, _NAME)}
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal", **names)
        won, equal, lost = comparison.wins(best, other)
        axes.set_title(f"{won} wins, {equal} ties, {lost} losses", fontsize=9)
    return as_svg(figure)


def _limits(values):
    low, high = float(np.min(values)), float(np.max(values))
    margin = max(0.02, 0.05 * (high - low))
    return low - margin, high + margin


def _words(measure):
    return measure.replace("_", " ")


def _figure(width: float, height: float, layout: str | None = None) -> Any:
    return optional("matplotlib.figure", "plot").Figure(figsize=(width, height), layout=layout)
