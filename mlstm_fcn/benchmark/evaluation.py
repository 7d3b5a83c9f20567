"""Fit one estimator to one resample, and predict its test set."""

from __future__ import annotations

import os
import platform
import sys
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np

from mlstm_fcn import datasets
from mlstm_fcn._checks import require
from mlstm_fcn._versions import versions
from mlstm_fcn.benchmark.result import Job, Result


def fit_and_predict(job: Job) -> Result:
    """Load the data, fit, and predict the test set.

    Returns:
        The result, with times in seconds and memory in bytes.

    Raises:
        ValueError: If the data set is for regression, or the probabilities or classes are invalid.
        Exception: Any exception of the estimator.
    """
    problem = job.problem
    if isinstance(problem, str):
        problem = datasets.load(problem, folder=job.folder)
    rule = "The data set must be for classification; its targets are numbers."
    require(problem.y_train.dtype.kind != "f", rule, problem=problem.name)
    digest = problem.digest()
    if job.resampled:
        problem = problem.resample(job.key.resample)
    estimator = job.estimator.seeded(job.key.resample)
    series = job.estimator.reads_series()
    width = None if series else max(case.shape[-1] for case in problem.X_train)
    X_train, X_test = (_container(X, width) for X in (problem.X_train, problem.X_test))
    start = time.perf_counter()
    estimator.fit(X_train, problem.y_train)
    fitted = time.perf_counter()
    labels = np.unique(np.concatenate([problem.y_train, problem.y_test]))
    probabilities = _probabilities(estimator, X_test, labels)
    predicted = time.perf_counter()
    return Result(
        job.key,
        labels.tolist(),
        np.searchsorted(labels, problem.y_test),
        probabilities,
        fitted - start,
        predicted - fitted,
        _peak_memory(),
        {
            "estimator": job.estimator.description,
            "split": "resample" if job.resampled else "default",
            "seed": job.key.resample,
            "n_train": len(problem.y_train),
            "data": digest,
            "network_parameters": _n_parameters(estimator),
            "epochs": getattr(estimator, "n_epochs_", None),
            "precision": getattr(getattr(estimator, "fitted_", None), "precision", None),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": versions(),
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        },
    )


def _container(X, width):
    """Series in a format of sktime; or, with a width, 2D rows whose channels are cut or zero-padded to it."""
    if width is not None:
        cut = [case[:, :width] for case in X]
        return np.stack([np.pad(case, ((0, 0), (0, width - case.shape[1]))).ravel() for case in cut])
    if isinstance(X, np.ndarray):
        return X
    import pandas as pd
    from sktime.datatypes import convert_to

    return convert_to([pd.DataFrame(case.T) for case in X], "df-list")


def _probabilities(estimator, X, labels):
    """Probabilities `(cases, classes)` in the order of `labels`; one-hot without `predict_proba`."""
    if not hasattr(estimator, "predict_proba"):
        return np.equal.outer(np.asarray(estimator.predict(X)), labels).astype(float)
    predicted = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    n_invalid = int((~np.isfinite(predicted)).sum())
    require(n_invalid == 0, "Probabilities must be finite.", n_invalid=n_invalid)
    unknown = sorted(set(estimator.classes_) - set(labels.tolist()), key=str)
    require(not unknown, "`classes_` must hold only labels of the data set.", unknown=unknown)
    probabilities = np.zeros((len(predicted), len(labels)))
    probabilities[:, np.searchsorted(labels, np.asarray(estimator.classes_))] = predicted
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def _n_parameters(estimator: Any) -> int | None:
    """Number of parameters of the network; None for an estimator without a Keras model."""
    count = getattr(getattr(estimator, "model_", None), "count_params", None)
    return int(count()) if count else None


def _peak_memory() -> int:
    """Peak resident memory of this process, in bytes."""
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
