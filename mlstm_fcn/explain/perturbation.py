"""Perturbation-based explanations, for anything that predicts: estimators, pipelines, fitted networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state

from mlstm_fcn._case_order import by_position
from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn.explain.containers import Cases, fitted_network, opened, require_one_answer

_SERIES = 256  # that are predicted at once


def permutation_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    n_repeats: int = 5,
    scoring: Any = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """The loss of score when one channel is permuted between cases, for each channel.

    The counterpart for series of scikit-learn's function, which takes tables only.

    Args:
        estimator: A fitted estimator, a pipeline that ends in one, or a `fitting.FittedNetwork`.
        X: Series, as for its `predict`.
        y: Targets.
        n_repeats: Number of permutations of each channel.
        scoring: A scorer or its name; None for the estimator's `score`.
        random_state: Seed of the permutations.

    Returns:
        A `Bunch`, as in scikit-learn: `importances` of shape `(channels, n_repeats)`, the score before
        minus the score after; `importances_mean` and `importances_std` of shape `(channels,)`.

    Raises:
        ValueError: If `n_repeats` is not a positive integer.

    References:
        Breiman: Random Forests. Machine Learning 45, 2001, section 10.
    """
    require_positive_int("n_repeats", n_repeats)
    score, random, y = _scorer(estimator, scoring), check_random_state(random_state), by_position(X, y)
    baseline, (cases, container) = score(estimator, X, y), opened(estimator, X)
    importances = np.array(
        [
            [
                baseline
                - score(estimator, container(_permuted(cases, channel, random.permutation(len(y)))), y)
                for _ in range(n_repeats)
            ]
            for channel in range(len(cases[0]))
        ]
    )
    return Bunch(
        importances=importances,
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
    )


def occlusion(
    estimator: Any,
    X: Any,
    *,
    size: int,
    stride: int | None = None,
    background: float | Sequence[float] | np.ndarray | None = None,
) -> np.ndarray:
    """The fall of the predicted probability when a window of one channel is occluded, for each step.

    Each window of `size` steps of each channel in turn is replaced by the background, and the series is
    predicted again. What is found for a series does not depend on the others.

    Args:
        estimator: A fitted classifier with `predict_proba` or regressor, a pipeline that ends in one, or a
            `fitting.FittedNetwork`.
        X: Series, as for its `predict`.
        size: Size of the window in steps, a positive integer.
        stride: Steps between windows, at most `size`; None for `size`.
        background: What replaces a window, in the unit of the series: a number, or one for each channel. None
            for what the network reads as zero: the training means, which the model keeps; with
            `scaling="series"`, and for an estimator of another package, the mean of each channel of the
            series itself; with `scaling=None`, zero.

    Returns:
        Shape `(cases, channels, time)`: by how much the probability of the predicted class, or a regressor's
        prediction, falls when the step is occluded; the mean over the windows that contain the step. NaN
        after the end of a series. Channels are in the order of `fit`.

    Raises:
        ValueError: If `size` or `stride` is not a positive integer, `stride` is above `size`, or `background`
            is neither a finite number nor one for each channel; or cases have several labels or numbers.

    References:
        Zeiler and Fergus: Visualizing and Understanding Convolutional Networks, arXiv 1311.2901, section 4.2.
    """
    stride = size if stride is None else stride
    require_positive_int("size", size)
    require_positive_int("stride", stride)
    rule = "`stride` must not be above `size`, so that the windows contain every step."
    require(stride <= size, rule, size=size, stride=stride)
    require_one_answer(estimator)
    cases, container = opened(estimator, X)
    values = _backgrounds(estimator, cases, background)
    before, predicted = _response(estimator, container(cases))
    longest = max(case.shape[1] for case in cases)
    fall, windows = np.zeros((len(cases), values.shape[1], longest)), np.zeros(longest)
    starts = range(0, max(longest - size, 0) + stride, stride)
    for start in starts:
        windows[start : start + size] += 1
    places = [(channel, slice(start, start + size)) for start in starts for channel in range(values.shape[1])]
    at_once = max(1, _SERIES // len(cases))
    for some in (places[first : first + at_once] for first in range(0, len(places), at_once)):
        hidden = [
            _occluded(case, value[channel], channel, window)
            for channel, window in some
            for case, value in zip(cases, values, strict=True)
        ]
        classes = None if predicted is None else np.tile(predicted, len(some))
        after = _response(estimator, container(hidden), classes)[0].reshape(len(some), len(cases))
        for (channel, window), response in zip(some, after, strict=True):
            fall[:, channel, window] += (before - response)[:, None]
    steps = np.array([case.shape[1] for case in cases])
    return np.where(np.arange(longest) < steps[:, None, None], fall / windows, np.nan)


def _backgrounds(estimator: Any, cases: Cases, background: Any) -> np.ndarray:
    """The value that replaces a window of each channel of each case, `(cases, channels)`."""
    channels = len(cases[0])
    if background is not None:
        values = np.asarray(background)
        rule = f"`background` must be a finite number, or one for each of {channels} channels."
        fits = values.dtype.kind in "iuf" and values.shape in ((), (channels,))
        require(fits and bool(np.isfinite(values).all()), rule, background=background)
        return np.broadcast_to(values, (len(cases), channels))
    fitted = fitted_network(estimator)
    scaling = fitted.inputs.scaling if fitted else "series"
    if fitted and scaling == "channel":
        means = fitted.preprocessor.get_layer("scaling").mean
        return np.broadcast_to(means, (len(cases), channels))
    if scaling is None:
        return np.zeros((len(cases), channels))
    known = [np.isfinite(case) for case in cases]
    totals = [np.where(one, case, 0).sum(axis=1) for one, case in zip(known, cases, strict=True)]
    return np.array(totals) / np.maximum([one.sum(axis=1) for one in known], 1)


def _scorer(estimator: Any, scoring: Any) -> Any:
    """scikit-learn's scorer, which takes estimators alone; a fitted network scores itself."""
    if hasattr(estimator, "fit"):
        return check_scoring(estimator, scoring)
    rule = "`scoring` requires an estimator; a fitted network has one score."
    require(scoring is None, rule, scoring=scoring)
    return lambda estimator, X, y: estimator.score(X, y)


def _response(estimator, X, classes=None):
    """The probabilities of `classes`, or else of the predicted ones, and these; a regressor's predictions."""
    if not hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict(X)), None
    probabilities = estimator.predict_proba(X)
    classes = probabilities.argmax(axis=1) if classes is None else classes
    return probabilities[np.arange(len(classes)), classes], classes


def _occluded(case: np.ndarray, value: float, channel: int, steps: slice) -> np.ndarray:
    changed = case.copy()
    changed[channel, steps] = value
    return changed


def _permuted(cases: Cases, channel: int, order: np.ndarray) -> Cases:
    """The series with one channel permuted, truncated or extended by its last value to the same length."""
    permuted = [case.copy() for case in cases]
    for case, other in zip(permuted, order, strict=True):
        values = cases[other][channel, : case.shape[1]]
        case[channel] = np.pad(values, (0, case.shape[1] - len(values)), mode="edge")
    return permuted
