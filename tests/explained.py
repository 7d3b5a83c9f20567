"""What is explained: a network for series of which one channel decides, and an estimator that sums."""

from functools import cache

import numpy as np
import pytest

from mlstm_fcn import NetworkClassifier


@cache
def one_channel_decides():
    """The class is the frequency of the second of three channels; the others are noise."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 3, 40))
    X[:, 1] = np.sin(np.arange(40) * np.where(y, 1.5, 0.4)[:, None] + rng.uniform(0, 6, size=(60, 1)))
    return X, y


@cache
def classifier():
    network = NetworkClassifier(
        network="fcn", network_params={"filters": (8, 16, 8)}, n_epochs=30, learning_rate=0.01, random_state=0
    )
    return network.fit(*one_channel_decides())


@pytest.fixture(scope="module")
def problem():
    return one_channel_decides()


@pytest.fixture(scope="module")
def fitted():
    return classifier()


class Weighing:
    """The probability of class 1 is a weighted sum over one channel and one step after the other."""

    def __init__(self, weights):
        self.weights = weights

    def predict_proba(self, X):
        cases = [np.atleast_2d(case) for case in X]
        ones = np.array([(case * self.weights[:, : case.shape[1]]).sum() for case in cases])
        return np.stack([1 - ones, ones], axis=1)
