"""Estimators against each other: means and spreads, ranks, and which differences chance may explain."""

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
_DIGITS = 12  # of means, so that what is equal but for rounding is a tie everywhere


@dataclass(frozen=True)
class Comparison:
    """A table of results as statistics.

    Attributes:
        measure: What is compared.
        mean: Mean over resamples, a row for each data set, a column for each estimator; NaN: no result.
        std: Standard deviation over resamples; NaN where there is one alone.
        count: Number of resamples.
        ranks: Mean rank of each estimator over the data sets on which all have results, 1 is best.
        p_values: Of Wilcoxon's signed-rank test of each pair on these data sets, by Holm's method.
    """

    measure: str
    mean: pd.DataFrame
    std: pd.DataFrame
    count: pd.DataFrame
    ranks: pd.Series
    p_values: pd.DataFrame

    @property
    def common(self) -> list[str]:
        """The data sets on which all estimators have results."""
        return self.mean.dropna().index.tolist()

    def best(self, problem: str) -> list[str]:
        """The best estimators on a data set; several where they are equal."""
        signed = _signed(self.mean.loc[problem], self.measure)
        return signed.index[signed == signed.max()].tolist()

    def wins(self, one: str, other: str, problems: Sequence[str] | None = None) -> tuple[int, int, int]:
        """Data sets on which one is better than the other, equal, and worse; of those that both have."""
        means = self.mean if problems is None else self.mean.loc[list(problems)]
        pair = _signed(means[[one, other]].dropna(), self.measure)
        difference = pair[one] - pair[other]
        return int((difference > 0).sum()), int((difference == 0).sum()), int((difference < 0).sum())


def compare(table: pd.DataFrame, measure: str = "accuracy") -> Comparison:
    """Compare the estimators of a table of results.

    Args:
        table: What `Folder.table` gives.
        measure: A column of it, one of `MEASURES`.

    Raises:
        ValueError: If the measure is unknown, or there is no result.

    References:
        Benavoli, Corani, Mangili: Should we really use post-hoc tests based on mean-ranks? JMLR 17, 2016.
    """
    require_choice("measure", measure, MEASURES)
    require(len(table) > 0, "There must be a result to report.")
    require(measure in table, f"No result has {measure}.", columns=list(table.columns))
    cells = table.groupby(["problem", "estimator"])[measure].agg(["mean", "std", "count"]).unstack()
    mean = cells["mean"].sort_index().round(_DIGITS)
    common = _signed(mean.dropna(), measure)
    ranks = common.rank(axis=1, ascending=False).mean().sort_values()
    return Comparison(measure, mean, cells["std"], cells["count"], ranks, _p_values(common))


def mean_seconds(table: pd.DataFrame, problems: Sequence[str]) -> pd.Series:
    """Mean fit time of each estimator over some data sets, of means over resamples."""
    some = table[table["problem"].isin(problems)]
    return some.groupby(["estimator", "problem"])["fit_seconds"].mean().groupby("estimator").mean()


def cliques(comparison: Comparison) -> list[list[str]]:
    """Groups of neighbours by rank of whom no two differ significantly, the largest ones."""
    order = comparison.ranks.index.tolist() if comparison.common else []
    groups: list[list[str]] = []
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and _alike(comparison.p_values, order[start : end + 1]):
            end += 1
        if end - start > 1 and not any(set(order[start:end]) <= set(group) for group in groups):
            groups.append(order[start:end])
    return groups


def _alike(p_values, names):
    return all(p_values.loc[one, other] >= _SIGNIFICANT for one, other in combinations(names, 2))


def _signed(values, measure):
    """So that more is better."""
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
    """Holm's step-down adjustment of p-values for their number."""
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    stepped = np.maximum.accumulate(p_values[order] * factors)
    adjusted = np.empty_like(stepped)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
