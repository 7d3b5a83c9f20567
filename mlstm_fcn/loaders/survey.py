"""What one pass over a loader tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.channel_statistics import RunningStatistics
from mlstm_fcn.loaders.batches import Batch
from mlstm_fcn.preprocess import is_complete, lengths


@dataclass(frozen=True)
class Survey:
    """What one pass over a loader tells.

    Attributes:
        shape: `(cases, longest time, channels)`.
        shortest: Length of the shortest series.
        complete: Whether no value is missing before the end of a series.
        mean: Of each channel, over all values that are not missing.
        std: Of each channel; 0 of one that float32 cannot tell from a constant.
        targets: Of all cases, as the loader gives them, or None.
        weights: Of all cases, or None.
        first: The first batch.
    """

    shape: tuple[int, int, int]
    shortest: int
    complete: bool
    mean: np.ndarray
    std: np.ndarray
    targets: Any
    weights: Any
    first: Batch


def survey(batches: Iterator[Batch]) -> Survey:
    """One pass over all batches.

    Raises:
        ValueError: If there is none, or they differ in channels or in having weights.
    """
    statistics, first, channels = RunningStatistics(), None, 0
    n_cases, longest, shortest, complete = 0, 0, np.inf, True
    targets: list[Any] = []
    weights: list[Any] = []
    for batch in batches:
        series, *others = batch
        if first is None:
            first, channels = batch, series.shape[2]
        rule = "All batches of a loader must give weights, or none."
        require((others[1] is None) == (first[2] is None), rule)
        kinds = [one[1].dtype.kind in "US" for one in (batch, first)]
        require(kinds[0] == kinds[1], "Targets must be text in all batches of a loader, or in none.")
        rule = f"All series must have {channels} channels, as the first batch has."
        require(series.shape[2] == channels, rule, channels=series.shape[2])
        most, least, whole = extent(series)
        n_cases, longest, shortest = n_cases + len(series), max(longest, most), min(shortest, least)
        complete = complete and whole
        statistics.add(series)
        targets.append(others[0])
        weights.append(others[1])
    if first is None:
        raise ValueError("A loader must give at least one batch.")
    of_all = np.concatenate(targets), None if first[2] is None else np.concatenate(weights)
    shape = n_cases, longest, channels
    return Survey(shape, int(shortest), complete, *statistics.result(), *of_all, first)


def extent(series: np.ndarray) -> tuple[int, int, bool]:
    """Steps of the longest and of the shortest series, and whether none has a gap before its end."""
    if is_complete(series):
        return series.shape[1], series.shape[1], True
    steps = lengths(series)
    ended = np.arange(series.shape[1]) >= steps[:, None]
    complete = not (np.isnan(series) & ~ended[..., None]).any()
    return int(steps.max()), int(steps.min()), complete


def require_like(batch: Batch, told: Survey, rule: str) -> Batch:
    """The batch, if its series are like those of a survey: no other channels, no longer, no new ends or gaps.

    Args:
        batch: To be checked.
        told: What series may be like.
        rule: What the error says, if they are not.

    Raises:
        ValueError: If they are not.
    """
    _, time, channels = told.shape
    series = batch[0]
    longest, shortest, complete = extent(series)
    ends_early = shortest < time and told.shortest == time
    good = longest <= time and not ends_early and (complete or not told.complete)
    found = {"channels": series.shape[2], "steps": (shortest, longest), "gaps": not complete}
    expected = {"channels": channels, "steps": (told.shortest, time), "gaps": not told.complete}
    require(good and series.shape[2] == channels, rule, batch=found, expected=expected)
    same = (batch[2] is None) == (told.weights is None)
    require(same, "All batches of a loader must give weights, or none, in every pass and in a sample.")
    return batch
