"""A data set with a train and test split, and resamples of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.datasets.formats import Series


@dataclass(frozen=True, repr=False, eq=False)
class Problem:
    """A data set with a train and test split.

    Attributes:
        name: The name in the archive.
        X_train: Training series, `(cases, channels, time)`, or a list of arrays `(channels, time)` if lengths
            differ.
        y_train: Their labels, strings in the archive's spelling; numbers for regression.
        X_test: Test series.
        y_test: Their labels.
    """

    name: str
    X_train: Series
    y_train: np.ndarray
    X_test: Series
    y_test: np.ndarray

    def __repr__(self) -> str:
        lengths = {case.shape[-1] for part in (self.X_train, self.X_test) for case in part}
        steps = f"{min(lengths)} to {max(lengths)}" if len(lengths) > 1 else str(*lengths)
        target = "a number" if self.y_train.dtype.kind == "f" else f"{len(np.unique(self.y_train))} classes"
        return (
            f"Problem({self.name!r}: {len(self.X_train)} training and {len(self.X_test)} test cases, "
            f"{self.X_train[0].shape[0]} channels, {steps} steps, {target})"
        )

    def digest(self) -> str:
        """A hash of all series and labels, in order."""
        found = hashlib.sha256()
        for X, y in ((self.X_train, self.y_train), (self.X_test, self.y_test)):
            found.update(repr(y.tolist()).encode())
            for case in X:
                found.update(f"{case.shape} {case.dtype}".encode())
                found.update(np.ascontiguousarray(case).tobytes())
        return found.hexdigest()[:16]

    def pooled(self) -> tuple[Series, np.ndarray]:
        """All series and labels, training cases first."""
        return _concatenated(self.X_train, self.X_test), np.concatenate([self.y_train, self.y_test])

    def resample(self, seed: int) -> Problem:
        """Draw another split with the same sizes and class counts as the default split.

        This follows the archive's convention: resample 0 is the default split, and resample `i` is drawn with
        seed `i`. The indices equal those of sktime, aeon and tsml-eval for the same seed, with classes sorted
        by their lower-case labels as in these libraries. Java's tsml draws different ones.

        Args:
            seed: The number of the resample, at least 0.

        Returns:
            The problem with the new split. Its cases are ordered by class. For regression the split is not
            stratified.

        Raises:
            ValueError: If the seed is negative or not an integer, if there are no labels, or if the test set
                has a class that the training set lacks.
        """
        good = isinstance(seed, Integral) and seed >= 0
        require(good, "`seed` must be an integer of at least 0.", seed=seed)
        if seed == 0:
            return self
        X, y = self._labelled()
        return self._split(X, y, *_resampled(self.y_train, y, np.random.RandomState(seed)))

    def folds(self, cv: Any, groups: Any = None) -> Iterator[Problem]:
        """Split all cases with a scikit-learn splitter.

        Args:
            cv: A splitter, for example `StratifiedKFold(5)` or `LeaveOneGroupOut()`.
            groups: The group of each case, training cases first. For example, the person whose series must
                not be in both splits.

        Yields:
            One problem per fold.

        Example:
            >>> from mlstm_fcn import MLSTMFCNClassifier
            >>> from mlstm_fcn.datasets import load
            >>> from sklearn.model_selection import StratifiedKFold
            >>> for fold in load("BasicMotions").folds(StratifiedKFold(5)):
            ...     MLSTMFCNClassifier().fit(fold.X_train, fold.y_train).score(fold.X_test, fold.y_test)
        """
        X, y = self._labelled()
        for train, test in cv.split(np.zeros((len(y), 1)), y, groups):
            yield self._split(X, y, train, test)

    def _labelled(self) -> tuple[Series, np.ndarray]:
        X, y = self.pooled()
        require(len(X) == len(y), "Every case must have a label.", cases=len(X), labels=len(y))
        return X, y

    def _split(self, X: Series, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> Problem:
        return replace(
            self, X_train=_selected(X, train), y_train=y[train], X_test=_selected(X, test), y_test=y[test]
        )


def _resampled(
    y_train: np.ndarray, y: np.ndarray, random: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    if y.dtype.kind == "f":
        order = np.arange(len(y))
        random.shuffle(order)
        return order[: len(y_train)], order[len(y_train) :]
    unknown = sorted(set(y.tolist()) - set(y_train.tolist()))
    require(
        not unknown,
        "Every test class must be in the training set to resample.",
        unknown=unknown,
    )
    train, test = [], []
    for label in sorted(set(y_train.tolist()), key=lambda label: (str(label).lower(), label)):
        cases = np.flatnonzero(y == label)
        random.shuffle(cases)
        count = int(np.sum(y_train == label))
        train.append(cases[:count])
        test.append(cases[count:])
    return np.concatenate(train), np.concatenate(test)


def _concatenated(first: Series, second: Series) -> Series:
    arrays = isinstance(first, np.ndarray) and isinstance(second, np.ndarray)
    if arrays and first.shape[1:] == second.shape[1:]:  # type: ignore[union-attr]
        return np.concatenate([first, second])
    return [*first, *second]


def _selected(X: Series, cases: np.ndarray) -> Series:
    if isinstance(X, np.ndarray):
        return X[cases]
    taken = [X[case] for case in cases.tolist()]
    return np.stack(taken) if len({case.shape for case in taken}) == 1 else taken
