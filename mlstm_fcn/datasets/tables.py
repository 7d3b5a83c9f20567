"""Series from data frames: long tables have a row for each step, wide tables a row for each series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.datasets.columns import Columns, Names
from mlstm_fcn.datasets.formats import Dtype
from mlstm_fcn.datasets.gaps import filled, with_gaps
from mlstm_fcn.datasets.recordings import Recordings, array_if_equal, listed

Duplicates = Literal["error", "first", "last"]
Gaps = Literal["warn", "error", "fill", "ignore"]


def from_long(
    frame: Any,
    *,
    case: Names,
    time: Any = None,
    channels: Names | None = None,
    label: Names | None = None,
    group: Names | None = None,
    label_per: Literal["case", "step"] = "case",
    duplicates: Duplicates = "error",
    gaps: Gaps = "warn",
    dtype: Dtype = "float64",
) -> Recordings:
    """Make series from a long table, which has a row for each step of each series.

    Args:
        frame: A pandas or polars DataFrame, or a pyarrow Table. Rows may have any order. Named levels of a
            pandas index are columns.
        case: The column that tells the series apart, or several, for example `["person", "session"]`, whose
            values are joined by "/".
        time: The column by which steps are sorted: numbers, dates or durations. None: in the order of the
            rows, and `duplicates` and `gaps` are not looked for.
        channels: The columns of values. None: all that no other argument names, without levels of an index.
        label: The column of labels, or of numbers for regression; of several, the values are joined by "/".
        group: The column of groups, or several: cases of one group, such as a person, belong in one split.
        label_per: `"case"`: a case has one label. `"step"`: it may change in a case; `windows` then cuts the
            cases.
        duplicates: What to do if a case has two rows of one time: raise an error, or keep the `"first"` or
            `"last"` row of the frame.
        gaps: What to do if a step takes over 1.5 times as long as the median step of the case: `"warn"`;
            `"error"`; `"fill"` inserts the missing steps as NaN, with the label of the step before;
            `"ignore"`.
        dtype: Type of the values, `"float64"` or `"float32"`.

    Returns:
        The series in the order in which their cases appear in the frame. NaN is a missing value.

    Raises:
        TypeError: If `frame` is not a data frame.
        ValueError: If a column is unknown or does not hold what its use needs, a case has two labels or
            groups, or for duplicates and gaps. The message names the column or the cases.

    Example:
        >>> X, y, groups = from_long(frame, case="walk", time="seconds", label="gait", group="person")
    """
    require_choice("label_per", label_per, ("case", "step"))
    require_choice("duplicates", duplicates, ("error", "first", "last"))
    require_choice("gaps", gaps, ("warn", "error", "fill", "ignore"))
    require_choice("dtype", dtype, ("float32", "float64"))
    columns = Columns(frame)
    codes, cases = columns.keys("case", case)
    times = None if time is None else columns.times(*columns.named("time", [time]))
    order = _sorted_rows(codes, times, cases, duplicates)
    codes, times = codes[order], None if times is None else times[order]
    starts = np.searchsorted(codes, np.arange(len(cases)))
    y = groups = None
    if label is not None:
        numbers, names = columns.keys("label", label)
        per_case = label_per == "case"
        y = names[_one_in_each(numbers[order], starts, names, cases, _LABELS) if per_case else numbers[order]]
    if group is not None:
        numbers, names = columns.keys("group", group)
        groups = names[_one_in_each(numbers[order], starts, names, cases, _GROUPS)]

    taken = [name for names in (case, time, label, group) if names is not None for name in _as_list(names)]
    channels = columns.named("channels", columns.others(taken) if channels is None else channels)
    values = np.stack([columns.numbers(name, np.dtype(dtype))[order] for name in channels])
    series = np.split(values, starts[1:], axis=1)
    labels = np.split(y, starts[1:]) if y is not None and label_per == "step" else y
    if times is not None and gaps != "ignore":
        places = with_gaps(np.split(times, starts[1:]), cases, gaps)
        for number, (at, counts) in places.items() if gaps == "fill" else ():
            series[number] = filled(series[number], at, counts, np.nan)
            if isinstance(labels, list):
                labels[number] = filled(labels[number], at, counts, None)
    series = [np.ascontiguousarray(one) for one in series]
    return Recordings(array_if_equal(series), labels, groups, cases, tuple(channels))


def from_wide(
    frame: Any,
    *,
    steps: Names | Mapping[Any, Names] | None = None,
    case: Names | None = None,
    label: Names | None = None,
    group: Names | None = None,
    dtype: Dtype = "float64",
) -> Recordings:
    """Make series from a wide table, which has a row for each series and a column for each step.

    Args:
        frame: A pandas or polars DataFrame, or a pyarrow Table.
        steps: The columns of the steps in order; for several channels, a dictionary from the channel's name
            to its columns, as many for each. None: all columns that no other argument names, in the order of
            the frame, without levels of an index.
        case: The column that names the series, or several. None: they are numbered from 0.
        label: The column of labels, or of numbers for regression; of several, the values are joined by "/".
        group: The column of groups, or several.
        dtype: Type of the values, `"float64"` or `"float32"`.

    Returns:
        The series in the order of the rows. NaN is a missing value; at the end of a series, in all channels,
        it is padding and cut off.

    Raises:
        TypeError: If `frame` is not a data frame.
        ValueError: If a column is unknown or does not hold what its use needs, channels have different
            numbers of columns, two rows are of one case, or a row has no values.

    Example:
        >>> X, y, _ = from_wide(frame, steps={"x": ["x0", "x1"], "y": ["y0", "y1"]}, label="gait")
    """
    require_choice("dtype", dtype, ("float32", "float64"))
    columns = Columns(frame)
    taken = [name for names in (case, label, group) if names is not None for name in _as_list(names)]
    of_steps = columns.others(taken) if steps is None else steps
    by_channel = of_steps if isinstance(of_steps, Mapping) else {"value": of_steps}
    named = {channel: columns.named("steps", names) for channel, names in by_channel.items()}
    lengths = {channel: len(names) for channel, names in named.items()}
    require(
        len(set(lengths.values())) == 1, "All channels must have the same number of columns.", columns=lengths
    )
    X = np.stack(
        [np.stack([columns.numbers(n, np.dtype(dtype)) for n in names], axis=1) for names in named.values()],
        axis=1,
    )
    cases = np.arange(len(X))
    if case is not None:
        codes, names = columns.keys("case", case)
        twice = names[np.bincount(codes) > 1]
        rule = "A wide table must have one row for each case; `from_long` reads a long one. These have more: "
        require(len(twice) == 0, f"{rule}{listed(twice)}.", case=case)
        cases = names
    present = ~np.isnan(X).all(axis=1)
    ends = np.where(present.any(axis=1), X.shape[2] - present[:, ::-1].argmax(axis=1), 0)
    require(
        bool(ends.all()), f"Every row must have a value. These cases have none: {listed(cases[ends == 0])}."
    )
    y, groups = (
        None if names is None else _of_rows(*columns.keys(what, names))
        for what, names in (("label", label), ("group", group))
    )
    cut = (
        X if (ends == X.shape[2]).all() else [one[:, :end] for one, end in zip(X, ends.tolist(), strict=True)]
    )
    return Recordings(array_if_equal(list(cut)), y, groups, cases, tuple(named))


def _as_list(names: Any) -> list[Any]:
    return list(names) if isinstance(names, list | tuple) else [names]


def _of_rows(codes: np.ndarray, names: np.ndarray) -> np.ndarray:
    return names[codes]


def _sorted_rows(
    codes: np.ndarray, times: np.ndarray | None, cases: np.ndarray, duplicates: str
) -> np.ndarray:
    """The numbers of the rows that are kept, sorted by case and time."""
    if times is None:
        return np.argsort(codes, kind="stable")
    unknown = np.unique(codes[~np.isfinite(times)])
    require(
        len(unknown) == 0,
        f"Every row must have a time. These cases have rows without: {listed(cases[unknown])}.",
    )
    order = np.lexsort((times, codes))  # stable: rows of one time stay in the order of the frame
    same = (np.diff(codes[order]) == 0) & (np.diff(times[order]) == 0)
    if duplicates == "error" and same.any():
        rule = (
            "A case must have one row for each time. Give `duplicates='first'` or `'last'`, or add the "
            "column that tells the rows apart to `case`. These cases have several: "
        )
        require(False, f"{rule}{listed(cases[np.unique(codes[order][1:][same])])}.", rows=int(same.sum()))
    keep = np.append(True, ~same) if duplicates == "first" else np.append(~same, True)
    return order[keep]


_LABELS = (
    "A case must have one label. If the label changes within a recording, give `label_per='step'` and cut it "
    "with `datasets.windows`. If several recordings share a name, add the column that tells them apart to "
    "`case`."
)
_GROUPS = "A case must be in one group. Add the column of groups to `case`, which makes a case of each."


def _one_in_each(
    codes: np.ndarray, starts: np.ndarray, names: np.ndarray, cases: np.ndarray, rule: str
) -> np.ndarray:
    """The one code of each case. Rows are sorted by case; `names` are what the codes stand for."""
    first = codes[starts]
    lengths = np.diff(np.append(starts, len(codes)))
    bad = np.unique(np.repeat(np.arange(len(cases)), lengths)[codes != np.repeat(first, lengths)])
    if len(bad):
        start = starts[bad[0]]
        found = listed(names[np.unique(codes[start : start + lengths[bad[0]]])])
        require(False, f"{rule} Cases with several: {listed(cases[bad])}. The first has {found}.")
    return first
