"""What training is for, learnt from targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlstm_fcn._arrays import as_array
from mlstm_fcn._case_order import require_same_order
from mlstm_fcn._checks import require
from mlstm_fcn.fitting.cases import Cases, validation_cases
from mlstm_fcn.fitting.labels import from_one_hot, is_binary, is_sparse
from mlstm_fcn.fitting.multilabel import MultiLabel
from mlstm_fcn.fitting.regression import Regression
from mlstm_fcn.fitting.targets import as_targets, require_cases, require_numbers
from mlstm_fcn.fitting.task import Classification, Task
from mlstm_fcn.loaders.series import LoadedSeries, is_loader
from mlstm_fcn.memmap import is_large


def learned_task(kind: str, y: np.ndarray, classes: Any = None) -> Task:
    """The task of targets.

    Args:
        kind: `"Classification"` or `"Regression"`.
        y: Targets, `(cases,)`, or `(cases, outputs)` if there are several a case.
        classes: All labels that there may be; None: those of `y`.

    Raises:
        ValueError: As of `learn` of the task, or if `classes` are given of several labels a case.
    """
    if kind == "Regression":
        return Regression.learn(y)
    if y.ndim == 2:
        rule = "`classes` are of one label a case; a `y` of several has a column for each label already."
        require(classes is None, rule, classes=classes)
        return MultiLabel.learn(y)
    return Classification.learn(y) if classes is None else Classification(np.unique(classes))


def checked(
    X: Any,
    y: Any,
    kind: str,
    sample_weight: Any = None,
    groups: Any = None,
    task: Task | None = None,
    **request: Any,
) -> tuple[Any, Any]:
    """Series, and targets as an array or as columns for an estimator each; X, y and weights fit together.

    Args:
        X: Series in any container, or a loader of them.
        y: Targets as the user gives them; None with a loader, which gives them itself.
        kind: As in `learned_task`; targets of `"Classification"` may be one-hot.
        sample_weight: Weights as the user gives them.
        groups: Groups as the user gives them.
        task: The task of a fitted network that trains further; it reads `y`.
        **request: What else was given to fit, or None; sktime's way with several columns would lose it.

    Raises:
        ValueError: As `require_cases`, `require_same_order`, `from_one_hot`, `Task.read` and `LoadedSeries`.
    """
    if is_loader(X):
        own = all(value is None for value in (y, sample_weight, groups))
        rule = "A loader gives targets and weights itself: leave out `y`, `sample_weight` and `groups`."
        require(own, rule)
        X = LoadedSeries(X)
        y = X.survey.targets
    X = as_array(X)
    require_same_order(X, y=y, sample_weight=sample_weight, groups=groups)
    classifies = kind == "Classification"
    y = y if hasattr(y, "columns") or (classifies and is_sparse(y)) else as_targets(y)
    if classifies or task:
        y = task.read(y) if task else from_one_hot(y)
    require_cases(X, y)
    if not (classifies or hasattr(y, "columns")):
        require_numbers(y)
    if y.ndim == 1 or y.shape[1] == 1:
        return X, np.ravel(y)
    if for_one_network(y, kind):
        return X, y
    rule = "Memory-mapped series and loaders require one column of `y`, or columns for one network."
    require(not (is_large(X) or is_loader(X)), rule, shape=y.shape)
    is_plain = all(value is None for value in (sample_weight, groups, *request.values()))
    rule = "`sample_weight`, `X_val`, `groups` and warm start do not support multi-output `y`."
    require(is_plain, rule, shape=y.shape)
    return X, y


def task_and_cases(
    X: Any,
    y: np.ndarray,
    kind: str,
    convert: Callable[[Any], Any],
    task: Task | None = None,
    sample_weight: Any = None,
    X_val: Any = None,
    y_val: Any = None,
    groups: Any = None,
) -> tuple[Task, Cases, Cases | None]:
    """The task, and cases to train on and to validate on, from what fit is given.

    Args:
        X: Series as fitting reads them.
        y: Targets as of `checked`.
        kind: As in `learned_task`.
        convert: Makes validation series what fitting reads.
        task: The task of a fitted network that trains further; None: it is learnt.
        sample_weight: Weights as the user gives them.
        X_val: Validation series as the user gives them.
        y_val: Their targets.
        groups: Groups as the user gives them.

    Raises:
        ValueError: As of `learned_task` and `validation_cases`.
    """
    task = task or learned_task(kind, y)
    sample_weight = X.survey.weights if isinstance(X, LoadedSeries) else sample_weight
    return task, Cases(X, y, sample_weight, groups), validation_cases(X_val, y_val, convert, task)


def for_one_network(y: Any, kind: str) -> bool:
    """Whether one network learns several columns: numbers, or labels that are there or not, in an array.

    Targets are as `checked` returns them, in which one-hot rows have become their classes.
    Columns of a frame, and columns of other labels, are targets of an estimator each, as in all of sktime.
    """
    several = isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] > 1
    return several and (kind == "Regression" or is_binary(y))


def require_one_network(y: Any, kind: str) -> None:
    """Raise if targets are columns for an estimator each."""
    rule = "Targets must be one column, or an array of several for one network, to train epoch by epoch."
    require(y.ndim == 1 or for_one_network(y, kind), rule, shape=y.shape)
