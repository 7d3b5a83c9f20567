"""The outcome of a fit: a result with predictions, or a failure; and the metrics of a result."""

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
    """Identifies one fit of a benchmark.

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
        key: Identifies the fit.
        estimator: The estimator.
        problem: The data set, or its name.
        resampled: Whether each resample has its own split. If not, all have the archive's split, and the
            number of the resample is only the seed.
        folder: Folder to search first for data sets.
    """

    key: RunKey
    estimator: NamedEstimator
    problem: str | Problem
    resampled: bool = True
    folder: str | None = None


@dataclass(frozen=True)
class Result:
    """Predictions of a fitted classifier on a test set.

    Attributes:
        key: Identifies the fit.
        labels: The class labels, in the order of the probabilities.
        y_true: Index of the true class of each test case, of shape `(cases,)`.
        probabilities: Probabilities of shape `(cases, classes)`; each row sums to 1.
        fit_seconds: Wall time of `fit`.
        predict_seconds: Wall time of the prediction of the whole test set.
        memory: Peak resident memory of the process in bytes, including imported libraries.
        about: Estimator, split, seed, number of network parameters, epochs, precision of the arithmetic, date
            (UTC), versions, machine.
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
        """Index of the most probable class of each test case, of shape `(cases,)`."""
        return self.probabilities.argmax(axis=1)


@dataclass(frozen=True)
class Failure:
    """A fit without a result.

    Attributes:
        key: Identifies the fit.
        kind: `"error"` for an exception, `"time"` or `"memory"` for a limit, `"killed"` for a process that
            was ended from outside.
        message: The reason in one sentence.
        traceback: Traceback of the exception, or the end of the log of the process.
    """

    key: RunKey
    kind: str
    message: str
    traceback: str = ""


def metrics(result: Result) -> dict[str, float]:
    """Metrics of a result, by scikit-learn.

    `f1` is the macro average, `auroc` the macro average of one class against the rest, `log_loss` in nats. A
    metric that is undefined is NaN, such as `auroc` if the test set lacks a class.
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
