"""Which channels, kernels and steps of attention a network relies on."""

import numpy as np
import pytest

from mlstm_fcn import NetworkClassifier
from mlstm_fcn.datasets import synthetic
from mlstm_fcn.explain import attention, gates, kernel_shares, permutation_importance
from mlstm_fcn.preprocess import pad
from tests import explained

problem, fitted = explained.problem, explained.fitted


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


class Noting:
    """Notes the series that it is asked to score."""

    def __init__(self):
        self.seen = []

    def fit(self, X, y):
        return self

    def score(self, X, y):
        self.seen.append(X)
        return 0.0


def test_each_permutation_is_another_and_the_seed_decides_all():
    def seen(seed):
        noting = Noting()
        X = np.arange(16.0).reshape(8, 2, 1)
        permutation_importance(noting, X, np.zeros(8), n_repeats=3, random_state=seed)
        return [series.ravel().tolist() for series in noting.seen]

    assert seen(0) == seen(0) != seen(1)
    assert len({tuple(series) for series in seen(0)}) == 1 + 2 * 3
    assert all(sorted(series) == list(range(16)) for series in seen(0))


def test_a_permuted_channel_goes_on_at_its_last_value_where_the_series_is_longer():
    X = [np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]), np.array([[10.0, 20], [30, 40]])]
    swaps = next(seed for seed in range(9) if np.random.RandomState(seed).permutation(2).tolist() == [1, 0])
    noting = Noting()
    permutation_importance(noting, X, [0, 1], n_repeats=1, random_state=swaps)
    (first, second), *_ = noting.seen[1:]
    assert first.tolist() == [[10, 20, 20, 20], [5, 6, 7, 8]]
    assert second.tolist() == [[1, 2], [30, 40]]


@pytest.mark.usefixtures("uncompiled")
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


def test_the_gate_of_a_channel_goes_down_where_it_is_noise():
    """Two sensors, of which one, another one in each case, gives strong noise around another level."""
    rng = np.random.default_rng(0)
    cases, y, noisy = np.arange(200), np.arange(200) % 2, rng.integers(0, 2, 200)
    X = rng.normal(scale=0.3, size=(200, 2, 30))
    X[cases, 1 - noisy, 10:20] += np.where(y, 1, -1)[:, None]
    X[cases, noisy] += rng.normal(4, 3, size=(200, 30))
    sizes = {"filters": (16,), "units": (1,), "strides": (1,), "kernel_sizes": (5,), "reduction": 1}
    differences = []
    for seed in range(3):
        classifier = NetworkClassifier(
            network="se_resnet",
            network_params={**sizes, "integration": "pre"},
            n_epochs=30,
            learning_rate=0.01,
            random_state=seed,
        ).fit(X, y)
        (values,) = gates(classifier, X).values()
        differences.append(float((values[cases, 1 - noisy] - values[cases, noisy]).mean()))
    assert np.mean(differences) > 0.1, differences


@pytest.mark.slow
def test_a_larger_pattern_moves_the_shares_to_the_larger_kernels():
    """One network for patterns of both sizes: the mean kernel size that it takes, for each."""
    small, large = (
        synthetic.make("pattern", n_train=200, n_test=100, scale=scale, length=96, random_state=scale)
        for scale in (4, 24)
    )
    X, y = (np.concatenate([getattr(p, part) for p in (small, large)]) for part in ("X_train", "y_train"))
    sizes = {"filters": (16,), "kernel_sizes": (3,), "dilation_rates": (1,), "selective_branches": 4}
    moved = []
    for seed in range(3):
        classifier = NetworkClassifier(
            network="sk_mlstm_fcn",
            network_params={**sizes, "recurrent": None, "reduction": None, "head": "max"},
            n_epochs=30,
            learning_rate=0.01,
            random_state=seed,
        ).fit(X, y)
        of_small, of_large = (
            next(iter(kernel_shares(classifier, p.X_test).values())).mean(axis=(0, 2)) for p in (small, large)
        )
        moved.append(float((of_large - of_small) @ [3, 5, 7, 9]))
    assert np.mean(moved) > 0.2, moved


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize(("shuffle", "steps"), [(True, 3), (False, 40)])
def test_attention_is_over_channels_or_over_time(shuffle, steps, problem):
    X, y = problem
    options = {"filters": (4,), "kernel_sizes": (3,), "dimension_shuffle": shuffle}
    classifier = NetworkClassifier(network="malstm_fcn", network_params=options, n_epochs=1).fit(X, y)
    (weights,) = attention(classifier, X[:4]).values()
    assert weights.shape == (4, steps, steps)
    np.testing.assert_allclose(weights.sum(axis=2), 1, atol=1e-5)
    assert np.ptp(weights, axis=2).min() > 1e-4  # of some steps more than of others
    if not shuffle:
        (weights,) = attention(classifier, [X[0], X[1][:, :25]]).values()
        assert np.abs(weights[1, :25, 25:]).max() == 0
        np.testing.assert_allclose(weights[1, :25].sum(axis=1), 1, atol=1e-5)
