"""Any classifier of series of different lengths as an early one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from mlstm_fcn._case_order import in_case_order, require_same_order
from mlstm_fcn._checks import require
from mlstm_fcn.early.model import (
    Answer,
    EarlyModel,
    Stream,
    checksum,
    is_silent,
    prefix_probabilities,
    rule_path,
)
from mlstm_fcn.early.rule import StoppingRule, chosen_rule, spread
from mlstm_fcn.explain.containers import opened
from mlstm_fcn.fitting.labels import require_classes
from mlstm_fcn.fitting.targets import as_targets, require_targets
from mlstm_fcn.persistence import checked_path

_N_EPOCHS = 20


class EarlyClassifier(ClassifierMixin, BaseEstimator):
    """Answer before a series ends, once the answer is sure enough.

    One classifier learns from the first steps of the training series, at several checkpoints. When to answer
    is chosen on training cases that a copy of the classifier, fitted to the others, has not seen: the rule
    with the best harmonic mean of accuracy and of the share of the series that is not needed.

    Args:
        classifier: A classifier that takes series of different lengths; None: `MLSTMFCNClassifier` with 20
            epochs, since there are `n_checkpoints` times as many series. Fit clones it.
        n_checkpoints: Number of checkpoints, at equal distances up to the longest training series.
        n_splits: Number of parts of the training cases, at least 2; each is in turn left out to choose the
            rule.
        random_state: Seed of the parts, and of the default classifier.

    Attributes:
        classifier_: The classifier, fitted to the first steps of all training series.
        rule_: The `StoppingRule`.
        curve_: What other thresholds would give for cases that were left out: `threshold`, `accuracy`,
            `earliness` and `harmonic_mean`, each a list.
        classes_: Class labels in the order of the probabilities.

    References:
        Schaefer, Leser: TEASER: early and accurate time series classification, DMKD 34, 2020.
    """

    rule_: StoppingRule
    curve_: dict[str, list[float]]
    classifier_: Any
    classes_: np.ndarray
    score = in_case_order(ClassifierMixin.score)

    def __init__(
        self, classifier: Any = None, *, n_checkpoints: int = 10, n_splits: int = 3, random_state: Any = None
    ):
        self.classifier = classifier
        self.n_checkpoints = n_checkpoints
        self.n_splits = n_splits
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> EarlyClassifier:
        """Fit the classifier, choose the rule, and return the early classifier.

        A fit of `n_checkpoints` times as many cases follows for each part that is left out and once for all.

        Args:
            X: Series in any container that the classifier takes.
            y: Their labels, `(cases,)`.

        Raises:
            ValueError: If a class has fewer than 2 cases, a series has no value, or X and y do not fit
                together.
        """
        able = hasattr(self._new_classifier(), "predict_proba")
        require(able, "`classifier` must have `predict_proba`.", classifier=self.classifier)
        require_same_order(X, y=y)
        cases, as_given = opened(None, X)
        y = as_targets(y)
        require_targets(y)
        require_classes(y)
        rule = "X and y must have the same number of cases, with one label each."
        require(y.shape == (len(cases),), rule, X=len(cases), y=y.shape)
        classes, counts = np.unique(y, return_counts=True)
        few = classes[counts < 2].tolist()
        require(len(classes) > 1, "y must have at least two classes.", classes=classes.tolist())
        require(not few, "Each class must have at least 2 cases, to choose when to answer.", classes=few)
        require(self.n_splits >= 2, "`n_splits` must be at least 2.", n_splits=self.n_splits)
        lengths = np.array([case.shape[1] for case in cases])
        checkpoints = spread(self.n_checkpoints, int(lengths.max()))

        def fitted(numbers: np.ndarray) -> Any:
            prefixes, of = _prefixes([cases[number] for number in numbers], checkpoints)
            return self._new_classifier().fit(as_given(prefixes), y[numbers][of])

        unseen = np.zeros((len(cases), len(checkpoints), len(classes)))
        n_splits = min(self.n_splits, counts.min())
        parts = StratifiedKFold(n_splits, shuffle=True, random_state=self.random_state)
        for kept, left_out in parts.split(y, y):
            some = [cases[number] for number in left_out]
            predict_proba = fitted(kept).predict_proba
            unseen[left_out] = prefix_probabilities(predict_proba, some, as_given, checkpoints)
        right = np.searchsorted(classes, y)
        self.rule_, self.curve_ = chosen_rule(unseen, right, checkpoints, lengths)
        self.classifier_ = fitted(np.arange(len(cases)))
        self.classes_ = classes
        return self

    @property
    def model_(self) -> EarlyModel:
        """The fitted classifier with its rule."""
        check_is_fitted(self)
        return EarlyModel(self.classifier_.predict_proba, self.rule_, self.classes_)

    def answer(self, X: Any) -> Answer:
        """Labels, steps and probabilities of the answers. See `EarlyModel.answer`."""
        return self.model_.answer(X)

    def predict(self, X: Any) -> np.ndarray:
        """Labels of the answers, `(cases,)`."""
        return np.asarray(self.answer(X).label)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities at the time of the answers, `(cases, classes)`."""
        return self.answer(X).probabilities

    def stream(self) -> Stream:
        """A new series that grows step by step."""
        return self.model_.stream()

    def save(self, path: Path | str) -> None:
        """Save the classifier to a `.keras` or `.mlstm` file, and the rule to `<path>.early.json`."""
        check_is_fitted(self)
        self.classifier_.save(checked_path(path))
        self.rule_.save(rule_path(path), of=checksum(path))

    def export(self, path: Path | str, format: str | None = None, **options: Any) -> Path:
        """Export the classifier to another runtime, and write the rule to `<path>.early.json`.

        Arguments and errors are those of `MLSTMFCNClassifier.export`, always with `any_length=True`.
        """
        check_is_fitted(self)
        written: Path = self.classifier_.export(path, format, **{**options, "any_length": True})
        self.rule_.save(rule_path(written), of=checksum(written))
        return written

    def _new_classifier(self) -> Any:
        if self.classifier is not None:
            return clone(self.classifier)
        from mlstm_fcn.estimators import MLSTMFCNClassifier

        return MLSTMFCNClassifier(n_epochs=_N_EPOCHS, random_state=self.random_state)


def _prefixes(cases: list[np.ndarray], checkpoints: tuple[int, ...]) -> tuple[list[np.ndarray], list[int]]:
    """The first steps of each case at each checkpoint, up to the whole case once; and whose they are.

    Steps in which nothing has been measured are left out.
    """
    prefixes, of = [], []
    for number, case in enumerate(cases):
        for steps in sorted({min(checkpoint, case.shape[1]) for checkpoint in checkpoints}):
            if not is_silent(case[:, :steps]):
                prefixes.append(case[:, :steps])
                of.append(number)
    return prefixes, of
