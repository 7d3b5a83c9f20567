"""Probabilities that are as often right as they say."""

from __future__ import annotations

from typing import Any

from mlstm_fcn._case_order import require_same_order
from mlstm_fcn.explain.containers import fitted_and_series
from mlstm_fcn.fitting import Cases, FittedNetwork, calibration
from mlstm_fcn.trust.fitted import with_network


def calibrate(estimator: Any, X: Any, y: Any, *, sample_weight: Any = None) -> Any:
    """A copy of a fitted classifier whose probabilities have the best temperature for held-back cases.

    The temperature divides the logits of the classifier, an ensemble included, before the softmax. It is a
    layer of the Keras model, so that saved files and exports have it too. No predicted class changes.
    Further training removes it: calibrate again.

    Args:
        estimator: A fitted classifier of this package, or a `fitting.FittedNetwork`.
        X: Series that training has not seen, as for its `predict`: X_val, or those of `held_back`. A hundred
            are enough for one number.
        y: Their classes.
        sample_weight: A weight, not negative, for each case; None: 1.

    Returns:
        The copy; the classifier itself stays as it is. `temperature` tells its temperature.

    Raises:
        NotFittedError: If the classifier is not fitted.
        ValueError: If it is not a classifier, a label is unknown, or X and y do not fit together.

    References:
        Guo et al.: On calibration of modern neural networks, arXiv 1706.04599, section 4.2.
    """
    fitted, series = fitted_and_series(estimator, X, "calibrate")
    require_same_order(X, y=y, sample_weight=sample_weight)
    cases = Cases(series, fitted.task.read(y), sample_weight)
    return with_network(estimator, calibration.calibrated(fitted, cases))


def temperature(estimator: Any) -> float:
    """The temperature of the probabilities of a fitted classifier; 1 where `calibrate` has set none."""
    return calibration.temperature(estimator if isinstance(estimator, FittedNetwork) else estimator.fitted_)
