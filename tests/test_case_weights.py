"""Weights of cases and of classes decide how much each case counts in training."""

import numpy as np
import pytest

from mlstm_fcn.fitting import Cases, Classification, InputPolicy, RngSpec
from mlstm_fcn.fitting.prepare import datasets
from mlstm_fcn.training.recipes import Recipe
from tests.quick_fit import assert_same, differ, fit


def test_class_weights_are_sample_weights_by_label(data):
    _, y = data
    weights = {"Badminton": 3.0, "Running": 1.0, "Standing": 0.5, "Walking": 1.0}
    by_class = fit(data, class_weight=weights)
    by_case = fit(data, np.array([weights[label] for label in y]))
    assert_same(by_class, by_case)
    assert differ(by_class, fit(data))


def test_class_weights_go_by_label_whatever_their_order():
    y = np.array(["b", "a", "c", "b"])
    weights = Classification.learn(y).sample_weights(y, {"c": 3.0, "b": 2.0, "a": 1.0})
    assert weights.tolist() == [2, 1, 3, 2]


def test_class_weights_multiply_sample_weights_in_training_and_validation():
    X, y, weights = np.ones((4, 1, 3)), np.array([0, 1, 1, 1]), np.array([5.0, 1.0, 2.0, 3.0])
    cases, recipe = Cases(X, y, weights), Recipe(class_weight={1: 0.1, 0: 10.0})
    *read, _ = datasets(cases, cases, Classification.learn(y), recipe, InputPolicy(), RngSpec(0))
    for part in read:
        np.testing.assert_allclose(part.sample_weight, [50, 0.1, 0.2, 0.3], rtol=1e-6)


def test_cases_that_are_held_back_keep_their_weights():
    weights = np.arange(1.0, 9.0)  # and series of that value
    cases = Cases(weights[:, None, None] * np.ones((1, 1, 3)), np.arange(8) % 2, weights)
    recipe = Recipe(validation_split=0.5, class_weight={0: 1.0, 1: 10.0})
    *parts, _ = datasets(cases, None, Classification.learn(cases.y), recipe, InputPolicy(), RngSpec(0))
    for part in parts:
        values = part.inputs[0][:, 0, 0]
        np.testing.assert_allclose(part.sample_weight, np.where(part.targets[:, 1], 10 * values, values))
    assert sorted(np.concatenate([part.inputs[0][:, 0, 0] for part in parts])) == weights.tolist()


def test_balanced_weights_are_inverse_to_frequency(basic_motions):
    chosen = np.r_[0:12, 20:23, 30:40]  # unequal numbers of cases
    X, y = basic_motions.X_train[chosen], basic_motions.y_train[chosen]
    labels, counts = np.unique(y, return_counts=True)
    weights = {label: len(y) / (len(labels) * count) for label, count in zip(labels, counts, strict=True)}
    assert len(set(counts)) > 1
    assert_same(fit((X, y), class_weight="balanced"), fit((X, y), class_weight=weights))


def test_heavier_cases_are_learned_better(data):
    """Half of the cases have another label; the weights decide which half is believed."""
    X, y = data
    believed = np.arange(40) % 2 == 0
    wrong = np.where(believed, y, np.roll(y, 10))
    weights = np.where(believed, 1.0, 1e-6)
    classifier = fit((X, wrong), weights, n_epochs=60, learning_rate=0.01)
    assert classifier.score(X, y) >= 0.9


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(39), "`sample_weight` must be 40 finite numbers"),
        (np.full(40, -1.0), "`sample_weight` must be 40 finite numbers, not negative"),
        (np.zeros(40), "not all zero"),
        (np.full(40, np.nan), "`sample_weight` must be 40 finite numbers"),
    ],
)
def test_bad_sample_weights_are_named(weights, message, data):
    with pytest.raises(ValueError, match=message):
        fit(data, weights)


def test_sample_weights_would_be_lost_with_two_columns_of_labels(data):
    """sktime fits one copy for each column, and gives it X and y only."""
    X, y = data
    with pytest.raises(ValueError, match="do not support multi-output `y`"):
        fit((X, np.stack([y, y], axis=1)), np.ones(40))


def test_class_weights_that_leave_a_label_out_are_named(data):
    with pytest.raises(ValueError, match=r"must have a weight for each label.*Walking"):
        fit(data, class_weight={"Badminton": 1.0, "Running": 1.0, "Standing": 1.0})
