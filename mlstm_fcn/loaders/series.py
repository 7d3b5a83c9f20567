"""The series of a loader, as training reads them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.loaders.batches import Batch, joined, labelled, n_batches, some
from mlstm_fcn.loaders.sampled import Sampled
from mlstm_fcn.loaders.survey import require_like, survey
from mlstm_fcn.preprocess import with_length

_LIKE_SAMPLE = (
    "A sample must have all channels, the longest series and, if the loader has any, a series that ends "
    "early and one with a gap."
)
_LIKE_FIRST = (
    "Later passes over a loader must have the channels of the first, no longer series, and none that ends "
    "early or has a gap, if none did. Give `Sampled(loader, sample, n_cases)` with a sample that has such."
)


class LoadedSeries:
    """The series of a loader, with their targets, in the order in which it gives them.

    Making it reads the loader once, for lengths, statistics of the channels, targets and weights, unless a
    sample tells them. Cases cannot be chosen by index.

    Args:
        loader: What gives batches, or a `Sampled`. It has a length and begins anew when it is iterated over.

    Attributes:
        survey: What the first pass told, or the sample.
        shape: `(cases, time, channels)`.

    Raises:
        ValueError: If the loader has no length or no targets, gives no batches, or cannot begin anew.
    """

    def __init__(self, loader: Any):
        sampled = loader if isinstance(loader, Sampled) else None
        loader = sampled.loader if sampled else loader
        self._loader, self._n_batches = loader, n_batches(loader)
        rule = "A loader is read once an epoch: give an object whose `__iter__` begins anew, not a generator."
        require(not hasattr(loader, "__next__"), rule, loader=type(loader).__name__)
        self._is_sampled = sampled is not None
        self.survey = sampled.survey() if sampled else survey(labelled(loader, self._n_batches))
        self.shape = self.survey.shape
        self._coming: Iterator[Batch] = iter(())
        self._left: Batch | None = None  # of a batch that has been read in part
        self._n_given = 0

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, cases: Any) -> LoadedSeries:
        rule = "Cases of a loader come in its order: give `X_val` instead of `validation_split`."
        require(False, rule)
        return self

    def with_length(self, time: int) -> LoadedSeries:
        """The same series, cut or padded with NaN to a length."""
        other = copy.copy(self)
        other.shape = self.shape[0], time, self.shape[2]
        return other

    def first(self, n_cases: int) -> Batch:
        """Some of the first batch, without reading the loader."""
        return self._of_length(some(self.survey.first, slice(n_cases)))

    def following(self, n_cases: int) -> Batch:
        """The next cases; after the last one the loader begins anew.

        Raises:
            ValueError: If the loader gives another number of cases than in the first pass, or series that are
                not like its series.
        """
        if self._n_given == 0:
            self._coming, self._left = self._read(), None
        parts: list[Batch] = []
        missing = n_cases
        while missing:
            batch: Any = self._left or next(self._coming, None)
            require(batch is not None, self._other_number, cases=self._n_given + n_cases - missing)
            parts.append(some(batch, slice(missing)))
            self._left = some(batch, slice(missing, None)) if len(batch[0]) > missing else None
            missing -= len(parts[-1][0])
        self._n_given += n_cases
        if self._n_given == len(self):
            more = self._left or next(self._coming, None)
            require(more is None, self._other_number, cases=f"more than {len(self)}")
            self._n_given = 0
        return joined([self._of_length(part) for part in parts])

    @property
    def _other_number(self) -> str:
        before = f"`n_cases` is {len(self)}" if self._is_sampled else f"it gave {len(self)} in the first"
        return f"A loader must give as many cases in each pass: {before}."

    def _of_length(self, batch: Batch) -> Batch:
        series, targets, weights = batch
        return with_length(series, self.shape[1]), targets, weights

    def _read(self) -> Iterator[Batch]:
        rule = _LIKE_SAMPLE if self._is_sampled else _LIKE_FIRST
        batches = labelled(self._loader, self._n_batches)
        return (require_like(batch, self.survey, rule) for batch in batches)


def is_loader(X: Any) -> bool:
    """Whether X gives batches: a tf.data.Dataset, keras.utils.PyDataset, torch DataLoader, or a generator."""
    if isinstance(X, np.ndarray | list | tuple | str | bytes | dict | set) or X is None:
        return False
    if isinstance(X, LoadedSeries):
        return True
    if any(hasattr(X, name) for name in ("__array__", "__dlpack__", "columns", "iloc", "toarray")):
        return False
    return hasattr(X, "__iter__") or (hasattr(X, "__getitem__") and hasattr(X, "__len__"))
