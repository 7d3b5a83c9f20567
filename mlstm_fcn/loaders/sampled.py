"""A loader with a sample of its cases, which saves a fit its first pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn.loaders.batches import each_batch, labelled, n_batches
from mlstm_fcn.loaders.survey import Survey, survey


@dataclass(frozen=True, eq=False)
class Sampled:
    """A loader with a sample of its cases, which saves `fit` its first pass: `fit(Sampled(loader, ...))`.

    Scaling, classes and their shares, and lengths are those of the sample. Each batch must be like it, or
    training stops: no label, length or gap may come that the sample does not have.

    Args:
        loader: As `fit` takes it, with a length.
        sample: A batch, `(X, y)` or `(X, y, weights)`: X `(cases, channels, time)`, or a list of series.
        n_cases: Number of cases of a pass over the loader, at least those of the sample.

    Raises:
        ValueError: If `n_cases` is not a positive integer.

    Example:
        >>> loader = Sampled(loader, sample=(X[:500], y[:500]), n_cases=1_000_000)
        >>> classifier.fit(loader)
    """

    loader: Any
    sample: tuple[Any, ...]
    n_cases: int

    def __post_init__(self) -> None:
        require_positive_int("n_cases", self.n_cases)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        return each_batch(self.loader, n_batches(self.loader, needed=False))

    def survey(self) -> Survey:
        """What a pass over the loader would tell, as far as the sample tells it.

        Raises:
            ValueError: If the sample is not a batch, or has more cases than the loader.
        """
        told = survey(labelled([self.sample], 1))
        n_told, time, channels = told.shape
        rule = "`n_cases` must be the number of cases in one pass, at least as many as the sample has."
        require(n_told <= self.n_cases, rule, n_cases=self.n_cases, sample=n_told)
        of_all = np.arange(self.n_cases) % n_told  # the sample stands for all
        return replace(
            told,
            shape=(self.n_cases, time, channels),
            targets=told.targets[of_all],
            weights=None if told.weights is None else told.weights[of_all],
        )
