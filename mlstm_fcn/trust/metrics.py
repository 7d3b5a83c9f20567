"""How good the probabilities of a classifier are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from mlstm_fcn._case_order import require_same_order
from mlstm_fcn._checks import require, require_positive_int

_ROUNDING = 1e-5


def calibration_error(y_true: Any, probabilities: Any, labels: Sequence[Any], *, n_bins: int = 10) -> float:
    """The expected calibration error: how far the probability of the answer is from its share of hits.

    Answers are divided into bins of equal width by their probability. The error is the mean over all answers
    of the difference, in their bin, between mean probability and share of hits.

    Args:
        y_true: True classes, `(cases,)`.
        probabilities: Probabilities, `(cases, classes)`.
        labels: The classes in the order of the columns, such as `classes_`.
        n_bins: Number of bins.

    Returns:
        From 0, as calibrated as can be seen, to 1. With few cases, chance alone makes it a few hundredths.

    Raises:
        ValueError: If there is no case, shapes do not fit together, a probability is not in [0, 1], a class
            is not among `labels`, or `n_bins` is not a positive integer.

    References:
        Guo et al.: On calibration of modern neural networks, arXiv 1706.04599, equation 3.
    """
    require_positive_int("n_bins", n_bins)
    probabilities = _named_alike(y_true, probabilities, labels)
    given, hits = _answers(y_true, probabilities, labels)
    bins = np.minimum((given * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, given - hits, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(given))


def scores(y_true: Any, probabilities: Any, labels: Sequence[Any], *, beta: float = 1.0) -> dict[str, float]:
    """Figures of a classifier on labelled cases, by name.

    Args:
        y_true: True classes, `(cases,)`.
        probabilities: Probabilities, `(cases, classes)`.
        labels: The classes in the order of the columns, such as `classes_`.
        beta: How many times as much recall counts as precision in `f_beta`; positive.

    Returns:
        `accuracy`, `balanced_accuracy`, `precision`, `recall`, `f_beta` (means over the classes that occur,
        as true or predicted ones), `log_loss`, `auroc` (each class against the others, mean over the classes
        that occur; NaN where all cases are of one class), and `calibration_error`.

    Raises:
        ValueError: As of `calibration_error`, or if `beta` is not positive.
    """
    require(isinstance(beta, int | float) and 0 < beta < np.inf, "`beta` must be positive.", beta=beta)
    probabilities = _named_alike(y_true, probabilities, labels)
    _answers(y_true, probabilities, labels)
    y, given, names = np.asarray(y_true), np.asarray(probabilities, np.float64), np.asarray(labels)
    predicted, n_classes = names[given.argmax(axis=1)], len(names)
    means = {"average": "macro", "zero_division": 0.0}
    precision, recall, f_beta, _ = metrics.precision_recall_fscore_support(y, predicted, beta=beta, **means)
    hits = y[:, None] == names
    varies = hits.any(axis=0) & ~hits.all(axis=0)
    areas = [metrics.roc_auc_score(hits[:, one], given[:, one]) for one in np.flatnonzero(varies)]
    own = np.maximum(given[hits], np.finfo(np.float64).tiny)
    return {
        "accuracy": float(metrics.accuracy_score(y, predicted)),
        "balanced_accuracy": float(np.mean([np.mean(predicted[y == name] == name) for name in np.unique(y)])),
        "precision": float(precision),
        "recall": float(recall),
        "f_beta": float(f_beta),
        "log_loss": float(-np.log(own).mean()) if n_classes > 1 else 0.0,
        "auroc": float(np.mean(areas)) if areas else float("nan"),
        "calibration_error": calibration_error(y, given, labels),
    }


def _named_alike(y_true: Any, probabilities: Any, labels: Sequence[Any]) -> Any:
    """Probabilities with the columns of a data frame in the order of the labels, if it names them."""
    if not isinstance(probabilities, pd.DataFrame):
        return probabilities
    require_same_order(probabilities, y_true=y_true)
    names, columns = np.asarray(labels).tolist(), probabilities.columns.tolist()
    if sorted(map(str, names)) == sorted(map(str, columns)):
        return probabilities[names]
    rule = "Columns of `probabilities` must be named as `labels` are, or be an array in their order."
    require(columns == list(range(len(columns))), rule, columns=columns, labels=names)
    return probabilities


def _answers(y_true: Any, probabilities: Any, labels: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The probability of each answer, and whether it is right."""
    y, given = np.asarray(y_true), np.asarray(probabilities, dtype=np.float64)
    rule = "`probabilities` must have a row for each case, at least one, and a column for each label."
    fits = y.ndim == 1 and len(y) > 0 and given.shape == (len(y), len(labels))
    require(fits, rule, y_true=y.shape, probabilities=given.shape, labels=len(labels))
    in_range = bool(((given >= 0) & (given <= 1 + _ROUNDING)).all())
    require(in_range, "`probabilities` must be in [0, 1].", least=given.min(), largest=given.max())
    unknown = sorted(set(y.tolist()) - set(np.asarray(labels).tolist()), key=str)
    require(not unknown, "Every true class must be one of `labels`.", unknown=unknown)
    best = given.argmax(axis=1)
    return given[np.arange(len(y)), best], y == np.asarray(labels)[best]
