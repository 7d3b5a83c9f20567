"""Whether series are like the training data."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlstm_fcn.explain.containers import fitted_and_series, fitted_network
from mlstm_fcn.fitting import likeness
from mlstm_fcn.trust.fitted import with_network


def remember(estimator: Any, X: Any, held_back: Any) -> Any:
    """A copy of a fitted estimator that knows what its training series look like to it.

    It keeps the mean of the features before the head for each class, and their common covariance: at most 256
    features, a few hundred kilobytes in the saved file. `export.export_fitted` with `output="unlikeness"`
    exports the score, as an artifact of its own. Training further forgets them.

    Args:
        estimator: A fitted estimator of this package, or a `fitting.FittedNetwork`.
        X: The training series, as for its `predict`.
        held_back: Series of the same kind that training has not seen; they decide which distance is usual.

    Returns:
        The copy, for `unlikeness`; the estimator itself stays as it is.

    Raises:
        NotFittedError: If an estimator is not fitted.
        ValueError: If there are fewer than two training series, or none that was held back.

    References:
        Lee et al., arXiv 1807.03888, section 2.1, with the network's answers as classes.
    """
    fitted, series = fitted_and_series(estimator, X, "remember")
    usual = fitted_and_series(estimator, held_back, "remember")[1]
    return with_network(estimator, likeness.with_reference(fitted, series, usual))


def unlikeness(estimator: Any, X: Any) -> np.ndarray:
    """How unlike the training data each series is.

    A network answers any series, however strange, and often with a high probability. This is the distance of
    Mahalanobis of its features from the nearest class, divided by the distance that 95 % of held-back series
    do not exceed.

    Args:
        estimator: What `remember` returned, or what was loaded from its file.
        X: Series, as for its `predict`.

    Returns:
        Shape `(cases,)`: below 1 as usual, far above 1 unlike the training data.

    Raises:
        NotFittedError: If an estimator is not fitted.
        ValueError: If it does not know its training series.
    """
    return likeness.unlikeness(*fitted_and_series(estimator, X, "unlikeness"))


def remembers(estimator: Any) -> bool:
    """Whether `remember` made an estimator, so that `unlikeness` takes it."""
    fitted = fitted_network(estimator)
    return fitted is not None and fitted.reference is not None
