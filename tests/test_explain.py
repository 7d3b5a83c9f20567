"""Explanations point at what the answer depends on."""

import numpy as np
import pytest

from mlstm_fcn import NetworkClassifier
from mlstm_fcn.datasets import synthetic
from mlstm_fcn.explain import gates, kernel_shares, permutation_importance
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


def test_gates_are_those_of_the_layers_for_every_length(problem):
    X, y = problem
    options = {"filters": (8, 6, 4), "reduction": 2, "dimension_shuffle": False}
    classifier = NetworkClassifier(network="mlstm_fcn", network_params=options, n_epochs=1, random_state=0)
    classifier.fit(X, y)
    together = gates(classifier, [X[0], X[1][:, :25]])
    assert {name: values.shape for name, values in together.items()} == {
        "squeeze_excite_1": (2, 8),
        "squeeze_excite_2": (2, 6),
        "squeeze_excite_3": (2, 4),
    }
    for case, series in enumerate([X[0], X[1][:, :25]]):
        for name, values in gates(classifier, series[None]).items():
            np.testing.assert_allclose(values[0], together[name][case], atol=1e-5)
    assert all(((values > 0) & (values < 1)).all() for values in together.values())
    with pytest.raises(ValueError, match="must have a layer of type SelectiveKernel1D"):
        kernel_shares(classifier, X)


def test_a_gate_suppresses_a_channel_of_noise():
    """Squeeze-and-excitation on the raw channels, two of noise beside one that tells the class by its level.

    Of three channels that are scaled alike, those that say nothing pass less.
    """
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    X = rng.normal(size=(120, 3, 30))
    X[:, 1] += 3 * np.where(y, 1, -1)[:, None]
    network = {"filters": (16,), "units": (1,), "strides": (1,), "kernel_sizes": (3,), "reduction": 1}
    passed = []
    for seed in range(3):
        classifier = NetworkClassifier(
            network="se_resnet",
            network_params={**network, "integration": "pre"},
            n_epochs=40,
            learning_rate=0.01,
            random_state=seed,
        ).fit(X, y)
        (values,) = gates(classifier, X).values()
        passed.append(values.mean(axis=0))
    mean = np.mean(passed, axis=0)
    assert mean[1] > mean[[0, 2]].max() + 0.1, passed


def test_a_larger_pattern_moves_the_shares_to_the_larger_kernel():
    """One network for patterns of both sizes: shares of the same filters, for the one and for the other."""
    small, large = (
        synthetic.make("pattern", n_train=150, n_test=100, scale=scale, length=64, random_state=scale)
        for scale in (4, 16)
    )
    options = {"filters": (16,), "kernel_sizes": (5,), "selective_branches": 3, "recurrent": None}
    moved = []
    for seed in range(3):
        classifier = NetworkClassifier(
            network="sk_mlstm_fcn",
            network_params={**options, "reduction": None},
            n_epochs=40,
            learning_rate=0.01,
            random_state=seed,
        )
        classifier.fit(
            np.concatenate([small.X_train, large.X_train]), np.concatenate([small.y_train, large.y_train])
        )
        (of_small,), (of_large,) = (
            kernel_shares(classifier, problem.X_test).values() for problem in (small, large)
        )
        sizes = np.array([5, 9, 13])  # what three branches stand for
        moved.append(float(((of_large - of_small).mean(axis=(0, 2)) * sizes).sum()))
    assert min(moved) > 0, moved
