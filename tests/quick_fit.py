"""A classifier that is small and quick to fit, and comparisons of what fits end in."""

import numpy as np

from mlstm_fcn import MLSTMFCNClassifier

SMALL = {"filters": (8, 16, 8), "reduction": 4, "n_epochs": 3, "batch_size": 8, "random_state": 0}


def fit(data, *arguments, **parameters):
    return MLSTMFCNClassifier(**{**SMALL, **parameters}).fit(*data, *arguments)


def weights_of(classifier):
    return classifier.model_.get_weights()


def assert_same(one, other):
    for first, second in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_array_equal(first, second)


def differ(one, other):
    return any(not np.array_equal(a, b) for a, b in zip(weights_of(one), weights_of(other), strict=True))
