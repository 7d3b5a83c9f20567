"""Groups of cases that belong together, such as those of a person, and divisions that no group is cut by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mlstm_fcn._checks import require
from mlstm_fcn._warnings import warn


def group_numbers(groups: Any, n_cases: int) -> np.ndarray:
    """Groups as numbers from 0, `(cases,)`.

    Args:
        groups: A name for each case, of any kind that can be sorted.
        n_cases: Number of cases.

    Raises:
        ValueError: If they are not a name for each case, or all the same.

    Warns:
        UserWarning: If no two cases share a group.
    """
    listed = isinstance(groups, list | tuple)  # NumPy would make one kind of several, and text of NaN
    names = np.asarray(groups, dtype=object if listed else None)
    rule = f"`groups` must name a group for each of the {n_cases} cases."
    require(names.shape == (n_cases,), rule, shape=names.shape)
    missing = np.flatnonzero(pd.isna(names))
    require(len(missing) == 0, "Every case must have a group.", cases_without_one=missing[:5].tolist())
    kinds = {isinstance(name, str) for name in names} if names.dtype == object else set()
    require(len(kinds) < 2, "Either all groups are strings, or none is.", groups=names[:5].tolist())
    different, numbers = np.unique(names, return_inverse=True)
    rule = "`groups` must name at least two groups, or none can be held back; leave `groups` out."
    require(len(different) > 1, rule, group=different[0])
    if len(different) == n_cases:
        text = "Every group has one case, so `groups` change nothing; give what cases share, as the person."
        warn(text)
    return numbers


def held_back(
    groups: np.ndarray, n_wanted: float, rng: np.random.Generator, classes: np.ndarray | None = None
) -> np.ndarray:
    """Choose whole groups whose cases come near a number, in all and in each class.

    Groups are drawn in random order, and one is chosen if it brings the counts of the classes nearer. At
    least one group is chosen and one is not.

    Args:
        groups: Number of the group of each case, `(cases,)`; at least two differ.
        n_wanted: Number of cases to choose.
        rng: Decides the order.
        classes: Class of each case; None: one for all.

    Returns:
        Whether each case is chosen, bool `(cases,)`.
    """
    own = np.zeros(len(groups), int) if classes is None else np.unique(classes, return_inverse=True)[1]
    counts = np.zeros((groups.max() + 1, own.max() + 1))
    np.add.at(counts, (groups, own), 1)
    wanted = counts.sum(axis=0) * (n_wanted / len(groups))
    order, missing = rng.permutation(len(counts)), wanted
    chosen: list[int] = []
    for number in order:
        nearer = np.abs(missing - counts[number]).sum() < np.abs(missing).sum()
        if nearer and len(chosen) < len(counts) - 1:
            chosen.append(number)
            missing = missing - counts[number]
    if not chosen:
        chosen = [min(order, key=lambda number: np.abs(wanted - counts[number]).sum())]
    return np.isin(groups, chosen)
