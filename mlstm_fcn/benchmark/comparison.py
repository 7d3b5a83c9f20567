"""Compare estimators: means, standard deviations, ranks and significance tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

from mlstm_fcn._checks import require, require_choice

MEASURES = ("accuracy", "balanced_accuracy", "f1", "auroc", "log_loss")
_LOWER_IS_BETTER = ("log_loss",)
_SIGNIFICANT = 0.05
_DIGITS = 12  # decimals of means, so that rounding errors do not break ties


@dataclass(frozen=True)
class Comparison:
    """Statistics of a table of results.

    The rows of `mean`, `std` and `count` are data sets, the columns estimators.

    Attributes:
        measure: Name of the measure, one of `MEASURES`.
        mean: Mean over resamples; NaN where there is no result.
        std: Sample standard deviation over resamples; NaN for a single resample.
        count: Number of resamples.
        ranks: Mean rank of each estimator over the `common` data sets, best first; rank 1 is best.
        p_values: p-value of Wilcoxon's signed-rank test for each pair of estimators on the `common` data
            sets, adjusted by Holm's method.
    """

    measure: str
    mean: pd.DataFrame
    std: pd.DataFrame
    count: pd.DataFrame
    ranks: pd.Series
    p_values: pd.DataFrame

    @property
    def common(self) -> list[str]:
        """Data sets on which every estimator has a result."""
        return self.mean.dropna().index.tolist()

    def best(self, problem: str) -> list[str]:
        """Estimators with the best mean on a data set; several if they tie."""
        signed = _signed(self.mean.loc[problem], self.measure)
        return signed.index[signed == signed.max()].tolist()

    def wins(self, one: str, other: str, problems: Sequence[str] | None = None) -> tuple[int, int, int]:
        """Count the data sets that `one` wins, ties and loses against `other`.

        Args:
            one: Name of an estimator.
            other: Name of another estimator.
            problems: Data sets to count; all on which both have results by default.

        Returns:
            Numbers of wins, ties and losses.
        """
        means = self.mean if problems is None else self.mean.loc[list(problems)]
        pair = _signed(means[[one, other]].dropna(), self.measure)
        difference = pair[one] - pair[other]
        return int((difference > 0).sum()), int((difference == 0).sum()), int((difference < 0).sum())


def compare(table: pd.DataFrame, measure: str = "accuracy") -> Comparison:
    """Compare the estimators of a table of results.

    Args:
        table: A table of results as `Folder.table` returns it.
        measure: Name of a column, one of `MEASURES`.

    Raises:
        ValueError: If the measure is unknown, or the table is empty or lacks the measure.

    References:
        Benavoli, Corani, Mangili: Should we really use post-hoc tests based on mean-ranks? JMLR 17, 2016.
    """
    require_choice("measure", measure, MEASURES)
    require(len(table) > 0, "There must be at least one result to report.")
    require(measure in table, f"The table must have the column {measure}.", columns=list(table.columns))
    cells = table.groupby(["problem", "estimator"])[measure].agg(["mean", "std", "count"]).unstack()
    mean = cells["mean"].sort_index().round(_DIGITS)
    common = _signed(mean.dropna(), measure)
    ranks = common.rank(axis=1, ascending=False).mean().sort_values()
    return Comparison(measure, mean, cells["std"], cells["count"], ranks, _p_values(common))


def mean_seconds(table: pd.DataFrame, problems: Sequence[str]) -> pd.Series:
    """Mean fit time of each estimator in seconds, over data sets of the means over resamples."""
    selected = table[table["problem"].isin(problems)]
    return selected.groupby(["estimator", "problem"])["fit_seconds"].mean().groupby("estimator").mean()


def cliques(comparison: Comparison) -> list[list[str]]:
    """Maximal groups of estimators with adjacent ranks, of which no pair differs significantly."""
    order = comparison.ranks.index.tolist() if comparison.common else []
    groups: list[list[str]] = []
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and _none_differ(comparison.p_values, order[start : end + 1]):
            end += 1
        if end - start > 1 and not any(set(order[start:end]) <= set(group) for group in groups):
            groups.append(order[start:end])
    return groups


def _none_differ(p_values, names):
    return all(p_values.loc[one, other] >= _SIGNIFICANT for one, other in combinations(names, 2))


def _signed(values, measure):
    """Change the sign where lower is better, so that higher is always better."""
    return -values if measure in _LOWER_IS_BETTER else values


def _p_values(common: pd.DataFrame) -> pd.DataFrame:
    names = common.columns.tolist()
    pairs = list(combinations(names, 2))
    raw = np.array([_wilcoxon(common[one] - common[other]) for one, other in pairs])
    adjusted = pd.DataFrame(1.0, index=names, columns=names)
    for (one, other), p in zip(pairs, holm(raw), strict=True):
        adjusted.loc[one, other] = adjusted.loc[other, one] = p
    return adjusted


def _wilcoxon(differences: pd.Series) -> float:
    differences = differences.round(_DIGITS)
    return float(wilcoxon(differences, zero_method="zsplit").pvalue) if differences.any() else 1.0


def holm(p_values: np.ndarray) -> np.ndarray:
    """Adjust p-values for multiple comparisons by Holm's step-down method.

    References:
        Holm: A simple sequentially rejective multiple test procedure. Scand. J. Statist. 6, 1979.
    """
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    stepped = np.maximum.accumulate(p_values[order] * factors)
    adjusted = np.empty_like(stepped)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
