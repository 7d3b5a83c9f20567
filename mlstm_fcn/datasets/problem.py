"""A data set with a train and test split, and resamples of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn._groups import group_numbers, held_back
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
        groups_train: Group of each training case, such as the person; resamples and folds then divide no
            group. None: there are no groups.
        groups_test: Those of the test cases.

    Raises:
        ValueError: If groups are not given for all cases.
    """

    name: str
    X_train: Series
    y_train: np.ndarray
    X_test: Series
    y_test: np.ndarray
    groups_train: np.ndarray | None = None
    groups_test: np.ndarray | None = None

    def __post_init__(self) -> None:
        both = (self.groups_train is None) == (self.groups_test is None)
        require(both, "`groups_train` and `groups_test` must be given together, or neither.")
        for y, groups in ((self.y_train, self.groups_train), (self.y_test, self.groups_test)):
            rule = f"Groups must name a group for each of {len(y)} cases."
            shape = (len(y),) if groups is None else np.shape(groups)
            require(shape == (len(y),), rule, shape=shape)

    def __repr__(self) -> str:
        lengths = {case.shape[-1] for part in (self.X_train, self.X_test) for case in part}
        steps = f"{min(lengths)} to {max(lengths)}" if len(lengths) > 1 else str(*lengths)
        target = "a number" if self.y_train.dtype.kind == "f" else f"{len(np.unique(self.y_train))} classes"
        return (
            f"Problem({self.name!r}: {len(self.X_train)} training and {len(self.X_test)} test cases, "
            f"{self.X_train[0].shape[0]} channels, {steps} steps, {target})"
        )

    def digest(self) -> str:
        """A hash of all series, labels and groups, in order."""
        found = hashlib.sha256()
        if (groups := self._groups()) is not None:
            found.update(repr(groups.tolist()).encode())
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
        by their lower-case labels as in these libraries. Java's tsml draws different ones. A problem with
        groups draws whole groups, whose cases come near the sizes and class counts of the default split.

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
        if (groups := self._groups()) is not None:
            classes = None if y.dtype.kind == "f" else y
            numbers, rng = group_numbers(groups, len(y)), np.random.default_rng(seed)
            test = held_back(numbers, len(self.y_test), rng, classes)
            return self._split(X, y, np.flatnonzero(~test), np.flatnonzero(test))
        return self._split(X, y, *_resampled(self.y_train, y, np.random.RandomState(seed)))

    def folds(self, cv: Any, groups: Any = None) -> Iterator[Problem]:
        """Split all cases with a scikit-learn splitter.

        Args:
            cv: A splitter, for example `StratifiedKFold(5)` or `LeaveOneGroupOut()`.
            groups: The group of each case, training cases first. For example, the person whose series must
                not be in both splits. None: the problem's own, if it has groups.

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
        groups = self._groups() if groups is None else groups
        for train, test in cv.split(np.zeros((len(y), 1)), y, groups):
            yield self._split(X, y, train, test)

    def _groups(self) -> np.ndarray | None:
        """Of all cases, training cases first."""
        if self.groups_train is None or self.groups_test is None:
            return None
        return np.concatenate([self.groups_train, self.groups_test])

    def _labelled(self) -> tuple[Series, np.ndarray]:
        X, y = self.pooled()
        require(len(X) == len(y), "Every case must have a label.", cases=len(X), labels=len(y))
        return X, y

    def _split(self, X: Series, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> Problem:
        values: dict[str, Any] = {}
        groups = self._groups()
        for part, cases in (("train", train), ("test", test)):
            values |= {f"X_{part}": _selected(X, cases), f"y_{part}": y[cases]}
            values[f"groups_{part}"] = None if groups is None else groups[cases]
        return replace(self, **values)


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
