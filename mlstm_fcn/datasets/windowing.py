"""Windows of equal length from long recordings."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np

from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn._warnings import warn
from mlstm_fcn.datasets.formats import arrays_of
from mlstm_fcn.datasets.recordings import Recordings, listed

Label = Literal["same", "majority", "last"]


def windows(
    recording: Any,
    size: int,
    stride: int | None = None,
    *,
    label: Label = "same",
    y: Any = None,
    groups: Any = None,
) -> Recordings:
    """Cut recordings into windows. A window is a part of one recording, so it has one group.

    Args:
        recording: `Recordings`, an array `(channels, time)`, an array `(cases, channels, time)`, or a list of
            arrays `(channels, time)`.
        size: Steps of a window.
        stride: Steps from the start of a window to the start of the next. None: `size`, windows do not
            overlap.
        label: Where each step has a label, the one of a window: `"same"` cuts each stretch of one label by
            itself, so that all steps of a window agree; `"majority"` is the most frequent (of equals, the
            first in order); `"last"` is that of the last step.
        y: Labels of arrays: for one recording its label or one for each step, for several a list of these.
        groups: Groups of arrays: for one recording its group, for several a list.

    Returns:
        The windows as one array `(windows, channels, size)`, with labels, groups, the name of the recording
        of each and the step where it starts. Steps that do not fill a window are left out.

    Raises:
        ValueError: If `size` or `stride` is not positive, labels or groups do not fit the recordings, or no
            window fits.

    Warns:
        UserWarning: If a recording is too short for a window. The message has its name.

    Example:
        >>> X, y, groups = windows(recordings, size=200, stride=50)
    """
    require_positive_int("size", size)
    stride = size if stride is None else stride
    require_positive_int("stride", stride)
    require_choice("label", label, ("same", "majority", "last"))
    recordings = _as_recordings(recording, y, groups)
    starts = [_starts(recordings, number, size, stride, label) for number in range(len(recordings))]
    counts = [len(one) for one in starts]
    _report(recordings, counts, size)
    from_case = np.repeat(np.arange(len(recordings)), counts)
    views = [
        np.lib.stride_tricks.sliding_window_view(one, size, axis=-1)
        for one in recordings.X
        if one.shape[-1] >= size
    ]
    kept = [at for at, one in zip(starts, recordings.X, strict=True) if one.shape[-1] >= size]
    X = np.concatenate([view[:, at].swapaxes(0, 1) for view, at in zip(views, kept, strict=True)])
    return Recordings(
        X,
        _labels(recordings, starts, from_case, size, label),
        None if recordings.groups is None else recordings.groups[from_case],
        recordings.cases[from_case],
        recordings.channels,
        np.concatenate(starts),
    )


def _as_recordings(recording: Any, y: Any, groups: Any) -> Recordings:
    if isinstance(recording, Recordings):
        rule = "`Recordings` have their labels and groups: leave out `y` and `groups`."
        require(y is None and groups is None, rule)
        require(recording.starts is None, "`recording` must not be windows: cut the recordings themselves.")
        return recording
    one = isinstance(recording, np.ndarray) and recording.ndim == 2
    X = arrays_of([recording] if one else recording)
    shapes = [series.shape for series in X]
    good = X and all(len(shape) == 2 and shape[0] == shapes[0][0] for shape in shapes)
    rule = (
        "`recording` must be arrays `(channels, time)` with the same number of channels. `from_long` makes "
        "recordings of a table."
    )
    require(bool(good), rule, shapes=shapes)
    labels = None if y is None else _labels_of(X, [y] if one or isinstance(y, str) else list(y))
    of_groups = None if groups is None else np.asarray([groups] if one else groups)
    if of_groups is not None:
        rule = f"`groups` must be one group for each of the {len(X)} recordings."
        require(of_groups.shape == (len(X),), rule, groups=groups)
    return Recordings(X, labels, of_groups, np.arange(len(X)), tuple(range(shapes[0][0])))


def _labels_of(X: list[np.ndarray], y: list[Any]) -> Any:
    found = [np.asarray(one) for one in y]
    if len(found) == len(X):
        if all(one.ndim == 0 for one in found):
            return np.asarray(y)
        if all(one.shape == series.shape[1:] for one, series in zip(found, X, strict=True)):
            return found
    rule = "`y` must be a label for each recording, or for each a list with the label of each step."
    shapes = [one.shape for one in found]
    return require(False, rule, y_shapes=shapes, steps=[series.shape[1] for series in X])


def _starts(recordings: Recordings, number: int, size: int, stride: int, label: str) -> np.ndarray:
    length = recordings.X[number].shape[-1]
    bounds = [0, length]
    if label == "same" and recordings.labels_steps:
        y = recordings.y[number]
        bounds = [0, *(np.flatnonzero(y[1:] != y[:-1]) + 1).tolist(), length]
    stretches = [np.arange(start, end - size + 1, stride) for start, end in pairwise(bounds)]
    return np.concatenate(stretches)


def _report(recordings: Recordings, counts: list[int], size: int) -> None:
    longest = max(one.shape[-1] for one in recordings.X)
    rule = (
        "A window must fit into a recording, with `label='same'` into a stretch of one label: reduce `size`."
    )
    require(sum(counts) > 0, rule, size=size, longest=longest)
    short = [number for number, one in enumerate(recordings.X) if one.shape[-1] < size]
    if short:
        names = listed(recordings.cases[short])
        warn(f"Recordings shorter than {size} steps are left out: {names}.")


def _labels(
    recordings: Recordings, starts: list[np.ndarray], from_case: np.ndarray, size: int, label: str
) -> Any:
    if recordings.y is None or not recordings.labels_steps:
        return None if recordings.y is None else recordings.y[from_case]
    if label == "majority":
        return np.concatenate(
            [_majority(y, at, size) for y, at in zip(recordings.y, starts, strict=True) if len(at)]
        )
    return np.concatenate([y[at + size - 1] for y, at in zip(recordings.y, starts, strict=True)])


def _majority(y: np.ndarray, starts: np.ndarray, size: int) -> np.ndarray:
    labels, codes = np.unique(y, return_inverse=True)
    so_far = np.zeros((len(y) + 1, len(labels)), np.int64)
    so_far[np.arange(1, len(y) + 1), codes] = 1
    so_far = so_far.cumsum(axis=0)
    return labels[(so_far[starts + size] - so_far[starts]).argmax(axis=1)]
