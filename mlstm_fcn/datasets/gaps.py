"""Steps that a recording lacks, found by the time between those that it has."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn._warnings import warn
from mlstm_fcn.datasets.recordings import first_of

_LONG = 1.5  # median steps
_MOST_FILLED = 10  # times the steps that there are

Places = tuple[np.ndarray, np.ndarray]
"""The steps before which others are missing, and how many."""


def with_gaps(times: list[np.ndarray], cases: np.ndarray, gaps: str) -> dict[int, Places]:
    """Find the gaps of each case, and report them by case unless they are to be filled.

    Args:
        times: The sorted times of each case.
        cases: The names of the cases.
        gaps: `"warn"`, `"error"` or `"fill"`.

    Returns:
        The gaps by the number of the case.

    Raises:
        ValueError: If there are gaps and `gaps` is `"error"`, or they are too long to be filled.
    """
    found = {number: places for number, one in enumerate(times) if len((places := _gaps(one))[0])}
    named = [
        f"{cases[[number]].tolist()[0]!r} ({len(at)}, the first after {times[number][at[0] - 1]})"
        for number, (at, _) in found.items()
    ]
    report = f"Steps are missing in {len(found)} of {len(cases)} cases: {first_of(named)}."
    if found and gaps == "fill":
        missing, present = sum(int(counts.sum()) for _, counts in found.values()), sum(map(len, times))
        rule = f"{report} They are too many to fill: name the parts of a recording as cases of their own."
        require(missing <= _MOST_FILLED * present, rule, missing=missing, present=present)
    elif found:
        repair = "Give `gaps='fill'` to insert them as NaN, or `gaps='ignore'` if steps have no fixed rate."
        require(gaps != "error", f"{report} {repair}")
        warn(f"{report} {repair}")
    return found


def filled(values: np.ndarray, at: np.ndarray, counts: np.ndarray, value: Any) -> np.ndarray:
    """Insert steps into the last axis: a value, or for None the value of the step before."""
    before = np.repeat(at, counts)
    inserted = values[..., before - 1] if value is None else value
    return np.insert(values, before, inserted, axis=-1)


def _gaps(times: np.ndarray) -> Places:
    steps = np.diff(times).astype(np.float64)
    if len(steps) < 2:
        return np.array([], int), np.array([], int)
    median = np.median(steps)
    at = np.flatnonzero(steps > _LONG * median) + 1
    return at, np.maximum(np.rint(steps[at - 1] / median).astype(np.int64) - 1, 1)
