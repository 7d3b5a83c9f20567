"""What a fit comes to: predictions and how they were made, or how it failed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score, fbeta_score, log_loss, roc_auc_score

from mlstm_fcn.benchmark.estimators import NamedEstimator
from mlstm_fcn.datasets import Problem


@dataclass(frozen=True)
class RunKey:
    """A place in the table of results: it is empty, or has a result or a failure.

    Attributes:
        estimator: Name of the estimator.
        problem: Name of the data set.
        resample: Number of the resample.
    """

    estimator: str
    problem: str
    resample: int


@dataclass(frozen=True)
class Job:
    """A fit to do.

    Attributes:
        case: Where its result belongs.
        estimator: The estimator.
        problem: The data set, or its name.
        resampled: Whether the resample has a split of its own; else it has the default split, and its
            number is only the seed.
        folder: Where data sets are looked for first.
    """

    key: RunKey
    estimator: NamedEstimator
    problem: str | Problem
    resampled: bool = True
    folder: str | None = None


@dataclass(frozen=True)
class Result:
    """What a classifier said of a test set.

    Attributes:
        case: Where it belongs.
        labels: The classes, in the order of the probabilities.
        y_true: Index of the class of each test case.
        probabilities: `(cases, classes)`; rows sum to 1.
        fit_seconds: Wall time of `fit`.
        predict_seconds: Wall time of the probabilities of the whole test set.
        memory: Largest resident memory of the process, in bytes, with all that it had imported.
        about: How it was made: estimator, seed, parameters of the network, versions, machine.
    """

    key: RunKey
    labels: list[str]
    y_true: np.ndarray
    probabilities: np.ndarray
    fit_seconds: float
    predict_seconds: float
    memory: int
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def y_pred(self) -> np.ndarray:
        """Index of the most probable class of each test case."""
        return self.probabilities.argmax(axis=1)


@dataclass(frozen=True)
class Failure:
    """Why a fit gave no result.

    Attributes:
        case: Where the result would belong.
        kind: `"error"`: an exception; `"time"`, `"memory"`: a limit; `"killed"`: the process ended.
        message: In a sentence.
        traceback: Of the exception, or what the process wrote last.
    """

    key: RunKey
    kind: str
    message: str
    traceback: str = ""


def metrics(result: Result) -> dict[str, float]:
    """The figures of a result, by scikit-learn: macro averages; `auroc` is one class against the rest.

    One that has no value, as AUROC where the test set lacks a class, is NaN.
    """
    y, predicted, probabilities = result.y_true, result.y_pred, result.probabilities
    classes = np.arange(len(result.labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "accuracy": float(accuracy_score(y, predicted)),
            "balanced_accuracy": float(balanced_accuracy_score(y, predicted)),
            "f1": float(fbeta_score(y, predicted, beta=1, average="macro", zero_division=0)),
            "log_loss": _log_loss(y, probabilities, classes),
            "auroc": _auroc(y, probabilities, classes),
        }


def _log_loss(y, probabilities, classes):
    if len(classes) < 2:
        return float("nan")
    return float(log_loss(y, np.clip(probabilities, 1e-15, 1), labels=classes))


def _auroc(y, probabilities, classes):
    if len(np.unique(y)) < len(classes) or len(classes) < 2:
        return float("nan")
    scores = probabilities[:, 1] if len(classes) == 2 else probabilities
    return float(roc_auc_score(y, scores, multi_class="ovr", average="macro", labels=classes))
