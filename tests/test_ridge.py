"""Ridge regression in closed form against brute force and scikit-learn."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import Ridge, RidgeClassifierCV

from mlstm_fcn.fitting.ridge import PENALTIES, sharpness, solve, solve_in_blocks, span


@pytest.fixture(params=[(20, 7), (12, 40)], ids=["more cases", "more features"])
def problem(request, rng):
    n_cases, n_features = request.param
    features = rng.normal(size=(n_cases, n_features)) + 3
    targets = features[:, :2] @ rng.normal(size=(2, 3)) + rng.normal(size=(n_cases, 3))
    return features, targets, rng.uniform(0.2, 2, size=n_cases)


def test_leave_one_out_is_that_of_brute_force(problem):
    features, targets, weights = problem
    solved = solve(features, targets, weights)
    for case in range(len(features)):
        others = np.arange(len(features)) != case
        model = Ridge(alpha=solved.penalty).fit(features[others], targets[others], weights[others])
        np.testing.assert_allclose(solved.unseen[case], model.predict(features[[case]])[0], atol=1e-9)


def test_leaving_out_a_group_is_that_of_brute_force(problem):
    features, targets, weights = problem
    weights[2] = 0
    group = np.array([1, 2, 5, 6])
    solved = solve(features, targets, weights, group)
    others = ~np.isin(np.arange(len(features)), group)
    model = Ridge(alpha=solved.penalty).fit(features[others], targets[others], weights[others])
    known = [1, 5, 6]  # a case of weight zero counts nowhere
    np.testing.assert_allclose(solved.unseen_together[known], model.predict(features[known]), atol=1e-9)
    assert np.isnan(np.delete(solved.unseen_together, known, axis=0)).all()
    assert np.isnan(solve(features, targets, weights).unseen_together).all()


def test_the_solution_is_scikit_learns(problem):
    features, targets, weights = problem
    solved = solve(features, targets, weights)
    model = Ridge(alpha=solved.penalty).fit(features, targets, weights)
    np.testing.assert_allclose(solved.coefficients, model.coef_.T, atol=1e-9)
    np.testing.assert_allclose(solved.intercept, model.intercept_, atol=1e-9)


def test_the_penalty_is_that_of_scikit_learns_cross_validation(rng):
    features = rng.normal(size=(30, 50))
    y = np.where(features[:, 0] + rng.normal(size=30) > 0, 1, 0)
    features -= features.mean(axis=0)
    unit = np.trace(features @ features.T) / 30
    theirs = RidgeClassifierCV(alphas=PENALTIES * unit).fit(features, y)
    solved = solve(features, 2.0 * y[:, None] - 1, np.ones(30))
    assert solved.penalty == pytest.approx(theirs.alpha_)
    np.testing.assert_allclose(solved.coefficients.ravel(), theirs.coef_.ravel(), atol=1e-9)


def test_a_case_without_weight_is_only_predicted(problem):
    features, targets, weights = problem
    weights[3] = 0
    others = np.arange(len(features)) != 3
    solved, without = (
        solve(features, targets, weights),
        solve(features[others], targets[others], weights[others]),
    )
    np.testing.assert_allclose(solved.coefficients, without.coefficients, atol=1e-12)
    predicted = features[3] @ without.coefficients + without.intercept
    np.testing.assert_allclose(solved.unseen[3], predicted, atol=1e-9)
    with pytest.raises(ValueError, match="At least one case must have a positive weight"):
        solve(features, targets, 0 * weights)


def test_features_that_do_not_vary_leave_the_mean_of_the_targets(problem):
    features, targets, weights = problem
    ridge = solve(0 * features, targets, weights)
    assert not ridge.coefficients.any()
    np.testing.assert_allclose(ridge.intercept, np.average(targets, weights=weights, axis=0))
    assert np.isfinite(ridge.unseen).all()


def test_blocks_give_the_same_solution(problem):
    features, targets, weights = problem
    solved = solve(features, targets, weights)
    parts = np.array_split(np.arange(len(features)), 3)
    blocks = [(features[part], targets[part], weights[part]) for part in parts]
    coefficients, intercept = solve_in_blocks(lambda: blocks, solved.penalty)
    np.testing.assert_allclose(coefficients, solved.coefficients, atol=1e-8)
    np.testing.assert_allclose(intercept, solved.intercept, atol=1e-8)


def test_the_span_of_all_cases_loses_nothing(problem):
    features, targets, weights = problem
    basis = span(features)
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-5)
    solved = solve(features, targets, weights)
    coefficients, intercept = solve_in_blocks(lambda: [(features @ basis, targets, weights)], solved.penalty)
    np.testing.assert_allclose(
        features @ (basis @ coefficients) + intercept,
        features @ solved.coefficients + solved.intercept,
        atol=1e-3,
    )


def test_sharpness_is_that_of_a_direct_search(rng):
    hits = np.eye(3)[rng.integers(3, size=200)]
    decisions, weights = 0.4 * hits + rng.normal(scale=0.3, size=(200, 3)), rng.uniform(0.1, 1, size=200)

    targets = hits * 201 / 202 + 1 / 202 / 3

    def loss(factor):
        powers = np.exp(factor * decisions)
        return -weights @ (targets * np.log(powers / powers.sum(axis=1, keepdims=True))).sum(axis=1)

    factors = np.exp(np.linspace(-2, 4, 6001))
    best = factors[np.argmin([loss(factor) for factor in factors])]
    assert sharpness(decisions, hits, weights) == pytest.approx(best, rel=2e-3)


def test_decisions_that_are_all_right_give_no_certainty():
    """Eight right decisions get a probability of 0.95: a tenth of each target is spread over both classes."""
    hits = np.eye(2)[[0, 1] * 4]
    decisions = 2 * hits - 1
    found = softmax(sharpness(decisions, hits, np.ones(8)) * decisions, axis=1)
    np.testing.assert_allclose(found, 0.9 * hits + 0.05, atol=1e-3)
