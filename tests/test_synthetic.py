"""The synthetic problems are solvable with their mechanism, and only by chance without it."""

import numpy as np
import pytest

from mlstm_fcn.datasets import synthetic
from mlstm_fcn.preprocess import pad


def accuracy(problem, guess):
    """Of a rule that maps a series to True for the label yes."""
    X, y = problem.pooled()
    right = np.mean([guess(case) == (label == "yes") for case, label in zip(X, y, strict=True)])
    return max(right, 1 - right)


def smoothed(case, steps):
    return np.convolve(case[0], np.ones(steps) / steps, "valid")


RULES = {
    "pattern": lambda case: (
        np.convolve(case[0], [1] * 4 + [-1] * 4).max() > -np.convolve(case[0], [1] * 4 + [-1] * 4).min()
    ),
    "order": lambda case: smoothed(case, 8).argmax() < smoothed(case, 8).argmin(),
    "interaction": lambda case: case[0, 32:].mean() * case[1, 32:].mean() > 0,
    "length": lambda case: case.shape[1] > 48,
}
FORGETFUL = {  # of time, of the other channel, of what comes after the shortest length
    "mean": np.mean,
    "energy": lambda case: np.square(case).mean(),
    "maximum": np.max,
    "minimum": np.min,
    "skewness": lambda case: ((case - case.mean()) ** 3).mean(),
}


@pytest.mark.parametrize("kind", synthetic.KINDS)
def test_the_mechanism_solves_it_and_nothing_else_does(kind):
    problem = synthetic.make(kind, n_train=400, n_test=400, random_state=0)
    assert accuracy(problem, RULES[kind]) > 0.97
    seen = slice(None, 32) if kind == "length" else slice(None)
    for channel in range(len(problem.X_train[0])):
        for name, statistic in FORGETFUL.items():
            values = [statistic(case[channel, seen]) for case in problem.pooled()[0]]
            guess = lambda case: statistic(case[channel, seen]) > np.median(values)  # noqa: B023, E731
            assert accuracy(problem, guess) < 0.56, (channel, name)


@pytest.mark.parametrize("kind", synthetic.KINDS)
def test_both_classes_are_as_frequent_and_the_seed_decides_all(kind):
    first, again, other = (synthetic.make(kind, n_train=10, random_state=seed) for seed in (3, 3, 4))
    assert np.unique(first.y_train, return_counts=True)[1].tolist() == [5, 5]
    np.testing.assert_array_equal(pad(first.X_test), pad(again.X_test))
    assert not np.array_equal(first.X_train[0], other.X_train[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "ordre"}, "Did you mean 'order'"),
        ({"kind": "order", "n_train": 0}, "`n_train` must be a positive integer"),
        ({"kind": "order", "n_test": 1}, "Each split must have at least 2 cases"),
        ({"kind": "order", "scale": 17}, "`scale` must be at least 2 and at most `length / 4`"),
    ],
)
def test_bad_arguments_raise(arguments, message):
    with pytest.raises(ValueError, match="Received") as error:
        synthetic.make(**arguments)
    assert message in str(error.value)


def score_of_fcn(kind, n_epochs, **network_params):
    from mlstm_fcn import NetworkClassifier

    problem = synthetic.make(kind, n_train=128, n_test=128, random_state=0)
    options = {"network": "fcn", "network_params": network_params, "n_epochs": n_epochs, "scaling": None}
    classifier = NetworkClassifier(**options, random_state=0)
    return classifier.fit(problem.X_train, problem.y_train).score(problem.X_test, problem.y_test)


@pytest.mark.parametrize("kind", ["pattern", "interaction"])
def test_convolutions_find_patterns_and_interactions_of_channels(kind):
    assert score_of_fcn(kind, n_epochs=10) > 0.95


def test_the_mean_over_valid_steps_does_not_betray_how_long_a_series_is():
    """Without masks the padding would tell the class. (Wide kernels see how near the ends are, alone too.)"""
    assert score_of_fcn("length", n_epochs=10, dilation_rates=(1, 1, 1)) < 0.65
