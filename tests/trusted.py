"""Classifiers of every kind before and after calibration, on classes that overlap."""

from functools import cache

import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, Recipe, trust
from tests import quick_fit

SMALL = {**quick_fit.SMALL, "n_epochs": 12, "learning_rate": 0.01}
NETWORKS = {
    "one": lambda: MLSTMFCNClassifier(**SMALL),
    "ensemble": lambda: MLSTMFCNClassifier(**SMALL, n_members=2),
    "multirocket": lambda: NetworkClassifier(
        network="multirocket", network_params={"n_thresholds": 84, "max_dilations": 1}, random_state=0
    ),
    "hybrid": lambda: MLSTMFCNClassifier(
        **SMALL,
        n_members=2,
        recipe=Recipe(
            vote="worth",
            member_options=({}, {"network": "multirocket", "n_thresholds": 84, "max_dilations": 1}),
        ),
    ),
}
EVERY = [
    pytest.param(name, marks=pytest.mark.slow) if name in ("ensemble", "multirocket") else name
    for name in NETWORKS
]  # the hybrid has both in it


def problem_of(rng, n_cases):
    """Three classes that overlap."""
    y = np.arange(n_cases) % 3
    X = rng.normal(size=(n_cases, 2, 20))
    X[:, 0, 5:10] += 0.7 * y[:, None]
    return X, np.array(["a", "b", "c"])[y]


@cache
def overlapping():
    rng = np.random.default_rng(0)
    return problem_of(rng, 45), problem_of(rng, 60)


@cache
def before_and_after(name):
    """A classifier before and after its calibration, made once."""
    train, held_back = overlapping()
    before = NETWORKS[name]().fit(*train)
    return before, trust.calibrate(before, *held_back)


@pytest.fixture(scope="module")
def problem():
    return overlapping()


@pytest.fixture(scope="module")
def calibrated():
    return before_and_after
