"""Convert series to the array that models take: `(cases, time, channels)`, float32.

NaN is a missing value. Steps at the end of a series where every channel is NaN are padding, and the series
ends before them. So series of different lengths fit into one array.
"""

from collections.abc import Iterable, Sequence
from numbers import Number
from typing import Any

import numpy as np

from mlstm_fcn._arrays import aligned, as_array, as_pandas
from mlstm_fcn._checks import require

_NO_SERIES = str, bytes, Number, dict, set, type(None)

Container = np.ndarray | Sequence[Any]
"""Series: an array `(cases, channels, time)`, or a list of pandas DataFrames `(time, channels)`."""


def as_container(X: Any) -> Any:
    """Series as one array, from any array or a list of arrays or lists; sktime's containers as they are.

    Raises:
        ValueError: If X cannot be series.
    """
    X = as_array(X)
    if isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1:
        X = list(X)
    many = isinstance(X, list | tuple)
    strange = hasattr(X, "toarray") or any(
        isinstance(one, _NO_SERIES) for one in ([X, *X[:1]] if many else [X])
    )
    rule = "X must be an array (cases, channels, time), a list of (channels, time), or a panel of sktime's."
    require(not strange, rule, X=X[:1] if many else X)
    if isinstance(X, np.ndarray):
        require_axes(X)
    X = [as_pandas(as_array(case)) for case in X] if many else X
    return pad(X) if many and all(isinstance(case, np.ndarray | list | tuple) for case in X) else X


def require_axes(X: np.ndarray) -> None:
    """Raise unless an array has two or three axes."""
    rule = "X must be (cases, channels, time) or (cases, time); one series (time,) is X[None, None]."
    require(X.ndim in (2, 3), rule, shape=X.shape)


def pad(series: Sequence[Any]) -> np.ndarray:
    """Pad series of different lengths with NaN to one array.

    Args:
        series: Arrays, or lists of numbers, of shape `(channels, time)`; `(time,)` is one channel.

    Returns:
        An array of shape `(cases, channels, longest time)`.

    Raises:
        ValueError: If the series differ in their number of channels, or an array has the wrong shape.
    """
    require(len(series) > 0, "X must hold at least one series.")
    cases = [np.atleast_2d(as_numbers(case)) for case in series]
    widths = {case.shape[-1] for case in cases}
    turned = " Series are (channels, time); if these are (time, channels), give [x.T for x in X]."
    turned = turned if len(widths) == 1 and widths != {1} else ""
    for number, case in enumerate(cases):
        require(case.ndim == 2, "Each series must be (channels, time).", case=number, shape=case.shape)
        rule = f"All series must have {len(cases[0])} channels, as the first series has.{turned}"
        require(len(case) == len(cases[0]), rule, case=number, shape=case.shape)
    padded = np.full((len(cases), len(cases[0]), max(case.shape[1] for case in cases)), np.nan)
    for row, case in zip(padded, cases, strict=True):
        row[:, : case.shape[1]] = case
    return padded


def to_batch(X: Container, cases: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
    """Transpose series from the user's layout to the models' layout, without common padding.

    Args:
        X: Array of shape `(cases, channels, time)`, or a list of DataFrames with one row per step.
        cases: Case numbers for error messages. If not given, positions in X.

    Returns:
        A new float32 array of shape `(cases, time, channels)`, as long as the longest series.

    Raises:
        ValueError: If a value is infinite in float32, or a series has only missing values.
    """
    if not isinstance(X, np.ndarray):
        X = pad([channels_of(frame) for frame in X])
    X = as_numbers(X)
    batch = aligned((len(X), *X.shape[:0:-1]))
    with np.errstate(over="ignore", invalid="ignore"):
        np.copyto(batch, np.swapaxes(X, 1, 2), casting="unsafe")
    if is_complete(batch):
        return batch
    infinite = np.isinf(batch)
    if infinite.any():
        case, time, channel = np.argwhere(infinite)[0].tolist()
        rule, name = f"Values of X must be finite in float32; {infinite.sum()} are not.", _name(case, cases)
        require(False, rule, **{f"X[{name}, {channel}, {time}]": float(X[case, channel, time])})
    longest = lengths(batch, cases).max(initial=1)
    return batch[:, :longest] if longest < batch.shape[1] else batch


def as_numbers(array: Any) -> np.ndarray:
    """Numbers as an array, with NaN for masked values and for None in object arrays.

    Raises:
        ValueError: If they are not real numbers.
    """
    try:
        array = np.asarray(as_array(array))
        numbers = array.astype(np.float64) if array.dtype == object else array
    except (TypeError, ValueError) as error:  # texts, or channels of different lengths
        rule = (
            "Every series must hold numbers alone, as many for each channel: give an array (channels, time) "
            "for each case."
        )
        raise ValueError(f"{rule} Received: {error}") from None
    rule = "X must hold numbers; text that is numbers becomes them by `X.astype(float)`."
    require(numbers.dtype.kind not in "USV", rule, dtype=str(numbers.dtype))
    _require_real(numbers.dtype)
    return numbers


def require_real_frames(X: Any) -> None:
    """Raise if a data frame, or one in a list, has a column of text, dates or complex numbers."""
    frames = [one for one in (X if isinstance(X, list | tuple) else [X]) if hasattr(one, "iloc")]
    _require_real(*{dtype for frame in frames for dtype in frame.dtypes})
    for frame in frames:
        text = [name for name, cell in frame.iloc[0].items() if isinstance(cell, str)] if len(frame) else []
        rule = "X must hold numbers; leave out columns of text, or turn them into numbers."
        require(not text, rule, columns=text[:5])


def with_counted_steps(X: Any) -> Any:
    """Series as they are, except that each data frame in a list gets 0, 1, 2, ... as its index.

    Raises:
        ValueError: As `require_real_frames`, or if the index of a frame in a list does not increase.
    """
    require_real_frames(X)
    cases = X if isinstance(X, list | tuple) else []
    rule = "The index of each data frame must increase: sort by it, or give `frame.reset_index(drop=True)`."
    for case, one in enumerate(cases):
        require(not hasattr(one, "iloc") or one.index.is_monotonic_increasing, rule, case=case)
    return [one.reset_index(drop=True) if hasattr(one, "iloc") else one for one in cases] or X


def _require_real(*dtypes: Any) -> None:
    for dtype in dtypes:
        rule = "X must hold real numbers; turn dates into numbers, and complex ones into two channels."
        require(dtype.kind in "biufO", rule, dtype=str(dtype))


def channels_of(frame: Any) -> np.ndarray:
    """A frame `(time, channels)` as an array `(channels, time)`."""
    require_real_frames(frame)
    values: np.ndarray = frame.to_numpy(dtype=np.float64).T
    return values


def lengths(batch: np.ndarray, cases: Sequence[int] | np.ndarray | None = None) -> np.ndarray:
    """Length of each series without padding, shape `(cases,)`.

    Raises:
        ValueError: If a series has only missing values.
    """
    if is_complete(batch):
        return np.full(len(batch), batch.shape[1])
    observed = ~np.isnan(batch).all(axis=2)
    empty = np.flatnonzero(~observed.any(axis=1))
    names = [_name(case, cases) for case in empty[:5].tolist()]
    require(len(empty) == 0, "Every series must hold a value that is not missing.", cases=names)
    return batch.shape[1] - observed[:, ::-1].argmax(axis=1)


def is_complete(batch: np.ndarray) -> bool:
    """Whether all values are finite, as in most batches: a sum tells, and takes no memory."""
    with np.errstate(invalid="ignore"):  # infinity of both signs
        return batch.size > 0 and bool(np.isfinite(batch.sum(dtype=np.float64)))


def _name(case: int, cases: Sequence[int] | np.ndarray | None) -> int:
    return case if cases is None else int(cases[case])


def with_length(batch: np.ndarray, time: int) -> np.ndarray:
    """Cut series, or pad them with NaN, to a length."""
    missing = time - batch.shape[1]
    if missing <= 0:
        return batch[:, :time]
    return np.pad(batch, ((0, 0), (0, missing), (0, 0)), constant_values=np.nan)


def require_complete(chunks: Iterable[np.ndarray]) -> None:
    """Raise if a series has a missing value before its end.

    Args:
        chunks: All series, as arrays of shape `(cases, time, channels)`.

    Raises:
        ValueError: If a value is missing. The message has the position of the first.
    """
    n_before = 0
    for batch in chunks:
        ended = np.arange(batch.shape[1])[None, :] >= lengths(batch)[:, None]
        missing = np.argwhere(np.isnan(batch) & ~ended[..., None])
        if len(missing):
            case, time, channel = missing[0].tolist()
            rule = "No value of X may be missing, with missing='error'."
            require(False, rule, **{f"X[{n_before + case}, {channel}, {time}]": float("nan")})
        n_before += len(batch)
