"""Explanations point at what the answer depends on."""

import numpy as np
import pytest

from mlstm_fcn import NetworkClassifier
from mlstm_fcn.explain import permutation_importance
from mlstm_fcn.preprocess import pad


@pytest.fixture(scope="module")
def problem():
    """The class is the frequency of the second of three channels; the others are noise."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 3, 40))
    X[:, 1] = np.sin(np.arange(40) * np.where(y, 1.5, 0.4)[:, None] + rng.uniform(0, 6, size=(60, 1)))
    return X, y


@pytest.fixture(scope="module")
def fitted(problem):
    classifier = NetworkClassifier(
        network="fcn", network_params={"filters": (8, 16, 8)}, n_epochs=30, learning_rate=0.01, random_state=0
    )
    return classifier.fit(*problem)


def test_permuting_the_channel_that_decides_costs_accuracy_and_no_other_does(fitted, problem):
    assert fitted.score(*problem) == 1
    result = permutation_importance(fitted, *problem, n_repeats=4, random_state=0)
    assert result.importances.shape == (3, 4)
    assert result.importances_mean[1] > 0.3
    assert np.abs(result.importances_mean[[0, 2]]).max() < 0.1
    np.testing.assert_allclose(result.importances_std, result.importances.std(axis=1))


def test_series_of_different_lengths_and_other_scores(fitted, problem):
    X, y = problem
    lists = [case[:, : 25 + number % 15] for number, case in enumerate(X)]
    result = permutation_importance(fitted, lists, y, n_repeats=2, scoring="neg_log_loss", random_state=0)
    assert result.importances_mean.argmax() == 1
    padded = pad(lists)
    again = permutation_importance(fitted, padded, y, n_repeats=2, scoring="neg_log_loss", random_state=0)
    np.testing.assert_allclose(result.importances, again.importances, atol=1e-5)


def test_repeats_must_be_positive(fitted, problem):
    with pytest.raises(ValueError, match=r"`n_repeats` must be a positive integer\. Received: n_repeats=0"):
        permutation_importance(fitted, *problem, n_repeats=0)
