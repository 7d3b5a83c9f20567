"""Which cases of a fit its training has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.explain.containers import require_network


def held_back(estimator: Any) -> np.ndarray:
    """Which cases the `validation_split` of the last fit held back.

    They are what `calibrate` and `remember` need: with arrays,
    `calibrate(classifier, X[held], y[held])` and `remember(classifier, X[~held], X[held])`. Stopping early or
    keeping the best epoch has chosen by them, which one temperature hardly shows.

    Args:
        estimator: A fitted estimator of this package, or a `fitting.FittedNetwork`. A file does not keep
            this.

    Returns:
        bool `(cases,)`, in the order of the cases that `fit` was given.

    Raises:
        NotFittedError: If an estimator is not fitted.
        ValueError: If the fit held nothing back, or the estimator has no network.
    """
    fitted = require_network(estimator, "held_back")
    rule = "The last fit in this process held nothing back: fit with a `validation_split`, or take X_val."
    require(fitted.held_back is not None, rule)
    return np.array(fitted.held_back)
