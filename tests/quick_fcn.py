"""The smallest network that is trained as a user trains it, for tests of what it is given."""

import pytest

from mlstm_fcn import NetworkClassifier

QUICK = {"network": "fcn", "network_params": {"filters": (4,), "kernel_sizes": (3,)}, "random_state": 0}
"""Few operations, since nearly all tests train a network."""


def small(**parameters):
    return NetworkClassifier(**{**QUICK, "n_epochs": 2, "batch_size": 20, **parameters})


def fit(data, *arguments, **parameters):
    return small(**parameters).fit(*data, *arguments)


@pytest.fixture(scope="module")
def data(basic_motions):
    return basic_motions.X_train, basic_motions.y_train


@pytest.fixture(scope="module")
def plain(data):
    return fit(data)
