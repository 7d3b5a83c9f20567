"""The batches of a loader, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlstm_fcn._arrays import as_array
from mlstm_fcn._checks import require
from mlstm_fcn.preprocess import as_container, to_batch

_BATCH = "A loader must give batches: series (cases, channels, time), or (series, targets, weights)."
_LENGTH = (
    "A loader must have a length, `len(loader)` batches. A tf.data.Dataset gets one by "
    "`.apply(tf.data.experimental.assert_cardinality(n))`, and a generator in a class with `__iter__` and "
    "`__len__`."
)

_MOST_PARTS = 3  # series, targets, weights

Batch = tuple[np.ndarray, Any, Any]
"""Series `(cases, time, channels)`, their targets, and their weights or None."""


def series_of(loader: Any) -> Iterator[Any]:
    """The series of each batch, as arrays or lists, whatever else the batches hold.

    Raises:
        ValueError: If the loader never ends, does not give batches, or gives no case.
    """
    given = False
    for batch in each_batch(loader, ends=n_batches(loader, needed=False)):
        if len(series := _series(batch)):
            given = True
            yield series
    require(given, "A loader must give at least one case.")


def labelled(loader: Any, ends: int | None) -> Iterator[Batch]:
    """One pass over a loader, with targets.

    Raises:
        ValueError: If batches have no targets, do not fit together, or a weight is negative or not finite.
    """
    for batch in each_batch(loader, ends):
        X, targets, weights = _parts(batch)
        rule = "A loader that is trained on must give targets: (series, targets) in each batch."
        require(targets is not None, rule)
        series, targets = to_batch(_as_numbers(X)), _as_targets(targets)
        rule = "A batch must have as many targets and weights as series."
        n_weights = len(series) if weights is None else len(weights)
        good = np.ndim(targets) > 0 and len(targets) == len(series) == n_weights
        require(good, rule, series=len(series), targets=np.shape(targets), weights=n_weights)
        rule = "The weights of a batch must be finite numbers (cases,), not negative."
        count = weights is None or (weights.ndim == 1 and bool(((weights >= 0) & (weights < np.inf)).all()))
        require(count, rule, weights=weights)
        if len(series):
            yield series, targets, weights
    getattr(loader, "on_epoch_end", lambda: None)()  # a PyDataset may shuffle there


def n_batches(loader: Any, needed: bool = True) -> int | None:
    """The length of a loader.

    Raises:
        ValueError: If it has none, and needs one because it may never end or is read several times.
    """
    try:
        return len(loader)
    except TypeError as error:  # as tf.data and torch have it for what ends unknown or never
        endless = "infinite" in str(error) or not hasattr(loader, "__iter__")
        require(not (needed or endless), _LENGTH, loader=type(loader).__name__)
        return None


def each_batch(loader: Any, ends: int | None) -> Iterator[Any]:
    """Each batch; by number where the loader cannot be iterated over."""
    if hasattr(loader, "__iter__"):
        yield from loader
    else:
        yield from (loader[number] for number in range(ends or 0))


def _series(batch: Any) -> Any:
    """The series of a batch, which may be a list of arrays `(channels, time)` alone."""
    several = isinstance(batch, list) and len(batch) > 1
    alike = several and all(getattr(as_array(one), "ndim", 0) == 2 for one in batch)
    if not alike:
        return _parts(batch)[0]
    rule = (
        "A batch of two or three arrays of two axes may be series alone, or series and targets: give the "
        "tuple `(series,)`, or series as (cases, 1, time)."
    )
    require(len(batch) > _MOST_PARTS, rule, shapes=[np.shape(one) for one in batch])
    return batch


def _parts(batch: Any) -> tuple[Any, Any, Any]:
    """Series, targets and weights of a batch; None for what it does not hold."""
    parts = list(batch) if isinstance(batch, tuple | list) else [batch]
    require(1 <= len(parts) <= _MOST_PARTS and not isinstance(batch, dict), _BATCH, parts=len(parts))
    X, targets, weights = [*parts, None, None][:3]
    X = as_array(X)
    shape = np.shape(X) if isinstance(X, np.ndarray) else None
    unbatched = targets is not None and np.ndim(as_array(targets)) == 0
    known = isinstance(X, np.ndarray | list | tuple) and (shape is None or len(shape) in (2, 3))
    rule = f"{_BATCH} Group its cases, as by `.batch(16)`."
    require(known and not unbatched, rule, series=shape or type(X).__name__)
    return X, targets, None if weights is None else np.asarray(as_array(weights), dtype=np.float64)


def _as_numbers(X: Any) -> Any:
    X = as_container(X)
    return X[:, None] if getattr(X, "ndim", 3) == 2 else X


def _as_targets(targets: Any) -> np.ndarray:
    """An array; text that comes as bytes, as TensorFlow gives it, is text again."""
    array = np.asarray(as_array(targets))
    is_text = array.dtype.kind == "S" or (array.dtype == object and isinstance(next(array.flat, None), bytes))
    return np.char.decode(array.astype(bytes), "utf-8") if is_text else array


def some(batch: Batch, cases: slice) -> Batch:
    """Some cases of a batch."""
    series, targets, weights = batch
    return series[cases], targets[cases], None if weights is None else weights[cases]


def joined(parts: list[Batch]) -> Batch:
    """One batch of several."""
    if len(parts) == 1:
        return parts[0]
    series, targets, weights = zip(*parts, strict=True)
    known = None if weights[0] is None else np.concatenate(weights)
    return np.concatenate(series), np.concatenate(targets), known
