"""What becomes of the answers of an estimator, any estimator, when its series are changed."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state

from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn.preprocess import lengths, pad


def permutation_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    n_repeats: int = 5,
    scoring: Any = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """How much worse an estimator scores when one channel's series are exchanged between cases.

    scikit-learn's function of this name takes tables only; this is its counterpart for series.

    Args:
        estimator: A fitted estimator, or a pipeline that ends in one.
        X: Series, `(cases, channels, time)` or a list of `(channels, time)`.
        y: Their targets.
        n_repeats: How often each channel is permuted.
        scoring: A scorer or its name; None for the estimator's score.
        random_state: Decides the permutations.

    Returns:
        A `Bunch` as scikit-learn's: `importances` of shape `(channels, n_repeats)`, baseline minus score;
        `importances_mean` and `importances_std` of shape `(channels,)`.

    Raises:
        ValueError: If `n_repeats` is not a positive integer.

    References:
        Breiman: Random Forests. Machine Learning 45, 2001, section 10.
    """
    require_positive_int("n_repeats", n_repeats)
    score, random = check_scoring(estimator, scoring), check_random_state(random_state)
    baseline, cases = score(estimator, X, y), _without_padding(X)
    importances = np.array(
        [
            [
                baseline
                - score(estimator, _like(X, _exchanged(cases, channel, random.permutation(len(y)))), y)
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


def occlusion(estimator: Any, X: Any, *, size: int, stride: int | None = None) -> np.ndarray:
    """How much less an estimator believes its answer when some steps of one channel are hidden.

    Windows of `size` steps are hidden in turn, in one channel after the other: the mean of that channel over
    X stands in their place.

    Args:
        estimator: A fitted classifier with `predict_proba` or regressor, or a pipeline that ends in one.
        X: Series, `(cases, channels, time)` or a list of `(channels, time)`.
        size: Steps of a window, a positive integer.
        stride: Steps from one window to the next, at most `size`; None for `size`.

    Returns:
        Shape `(cases, channels, time)`: by how much the probability of the predicted class, or a regressor's
        number, falls where the step is hidden; the mean over the windows that the step is in. NaN behind the
        end of a series. It takes a prediction of X for each channel and window.

    Raises:
        ValueError: If `size` or `stride` is no positive integer, or `stride` is above `size`.

    References:
        Zeiler and Fergus: Visualizing and Understanding Convolutional Networks, arXiv 1311.2901, section 4.2.
    """
    stride = size if stride is None else stride
    require_positive_int("size", size)
    require_positive_int("stride", stride)
    rule = "`stride` must not be above `size`, or steps would be left out."
    require(stride <= size, rule, size=size, stride=stride)
    cases = _without_padding(X)
    before, answer = _belief(estimator, X)
    means = np.nanmean(np.concatenate(cases, axis=1), axis=1)
    longest = max(case.shape[1] for case in cases)
    fall, windows = np.zeros((len(cases), len(means), longest)), np.zeros(longest)
    for start in range(0, max(longest - size, 0) + stride, stride):
        hidden = slice(start, start + size)
        windows[hidden] += 1
        for channel, mean in enumerate(means):
            changed = _like(X, [_hidden(case, channel, hidden, mean) for case in cases])
            fall[:, channel, hidden] += (before - _belief(estimator, changed, answer)[0])[:, None]
    steps = np.array([case.shape[1] for case in cases])
    return np.where(np.arange(longest) < steps[:, None, None], fall / windows, np.nan)


def _belief(estimator, X, answer=None):
    """The probability of the classes in `answer`, or else of those predicted, and these; or the numbers."""
    if not hasattr(estimator, "predict_proba"):
        return np.asarray(estimator.predict(X)), None
    probabilities = estimator.predict_proba(X)
    answer = probabilities.argmax(axis=1) if answer is None else answer
    return probabilities[np.arange(len(answer)), answer], answer


def _hidden(case: np.ndarray, channel: int, steps: slice, value: float) -> np.ndarray:
    changed = case.copy()
    changed[channel, steps] = value
    return changed


def _exchanged(cases: list[np.ndarray], channel: int, order: np.ndarray) -> list[np.ndarray]:
    """The series with one channel taken from other cases, cut or continued by its last value to fit."""
    exchanged = [case.copy() for case in cases]
    for case, other in zip(exchanged, order, strict=True):
        values = cases[other][channel, : case.shape[1]]
        case[channel] = np.pad(values, (0, case.shape[1] - len(values)), mode="edge")
    return exchanged


def _without_padding(X: Any) -> list[np.ndarray]:
    """The cases, without the steps at their ends at which every channel is NaN."""
    cases = [np.atleast_2d(np.array(case, dtype=np.float64)) for case in X]
    return [case[:, : lengths(case.T[None])[0]] for case in cases]


def _like(X: Any, cases: list[np.ndarray]) -> Any:
    """As one array if X was one."""
    return pad(cases) if isinstance(X, np.ndarray) else cases
