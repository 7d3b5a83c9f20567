"""A hybrid's members vote by what they are worth on cases that they have not seen."""

import sys

import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, Recipe
from mlstm_fcn.fitting import Classification, Regression, RngSpec, voting
from mlstm_fcn.layers import WeightedVote
from mlstm_fcn.training.dataset import Dataset
from tests import waves
from tests.waves import SMALL

QUICK = {"filters": (8,), "kernel_sizes": (5,), "n_epochs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def problem():
    return waves.problem()


@pytest.fixture(scope="module")
def hybrid(problem):
    recipe = Recipe.named("hybrid", member_options=({}, {}, {"network": "multirocket", **SMALL}), n_members=3)
    return MLSTMFCNClassifier(recipe=recipe, **QUICK).fit(*problem)


def test_members_of_a_hybrid_are_of_two_kinds_and_vote_by_their_worth(hybrid, problem):
    X, y = problem
    assert [one.get("network") for one in hybrid.network_options_] == [None, None, "multirocket"]
    vote = hybrid.fitted_.network.layers[-1]
    assert isinstance(vote, WeightedVote)
    first, second, third = vote.shares
    assert first == second < third  # the networks of two epochs know little
    assert hybrid.score(X, y) == 1
    outputs = hybrid.fitted_.members
    assert len(outputs) == 3
    assert len(hybrid.history_["loss"]) == hybrid.n_epochs_ == 2


def test_a_hybrid_is_saved_with_its_shares(hybrid, problem, tmp_path):
    hybrid.save(tmp_path / "model.keras")
    loaded = MLSTMFCNClassifier.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_proba(problem[0]), hybrid.predict_proba(problem[0]))
    assert loaded.fitted_.network.layers[-1].shares == hybrid.fitted_.network.layers[-1].shares


def test_a_hybrid_for_one_length_reads_shorter_series_with_the_same_shares(problem):
    X = np.stack([np.nan_to_num(one[:, :25]) for one in problem[0]])
    recipe = Recipe.named("hybrid", member_options=({}, {}, {"network": "multirocket", **SMALL}), n_members=3)
    fitted = MLSTMFCNClassifier(recipe=recipe, **QUICK).fit(X, problem[1])
    masked = fitted.fitted_.with_mask()
    assert masked.network.layers[-1].shares == fitted.fitted_.network.layers[-1].shares
    np.testing.assert_allclose(masked.outputs(X), fitted.predict_proba(X), atol=1e-5)
    assert fitted.predict_proba(X[:, :, :20]).shape == (30, 2)


def test_a_refused_call_leaves_a_hybrid_as_it_was(hybrid, problem):
    """The refusal comes before the members that could be trained further are."""
    before = hybrid.fitted_
    with pytest.raises(ValueError, match="solved from all cases at once"):
        hybrid.partial_fit(*problem)
    assert hybrid.fitted_ is before


def test_further_training_keeps_the_shares_and_leaves_nothing_out(hybrid, problem):
    """Each member may have seen any case, so accuracy on what it leaves out now would be of seen cases."""
    before = hybrid.fitted_.network.layers[-1].shares
    tuned = hybrid.fine_tune(*problem, random_state=1)
    assert tuned.fitted_.network.layers[-1].shares == pytest.approx(before)


def test_a_hybrid_of_many_cases_still_votes_by_worth(problem, monkeypatch):
    """The cases that decide the penalty have leave-one-out, and the others are left out of the estimate."""
    from mlstm_fcn.fitting import closed_form

    monkeypatch.setattr(closed_form, "MOST_AT_ONCE", 20)
    recipe = Recipe.named("hybrid", member_options=({}, {}, {"network": "multirocket", **SMALL}), n_members=3)
    fitted = MLSTMFCNClassifier(recipe=recipe, **QUICK).fit(*problem)
    first, second, third = fitted.fitted_.network.layers[-1].shares
    assert first == second < third


def test_every_way_to_train_is_judged_by_a_third_that_it_has_not_seen():
    data = Dataset([np.zeros((12, 1, 1))], np.eye(2)[[0] * 6 + [1] * 6], np.ones(12))
    recipe, kinds = Recipe.named("hybrid"), ["gradient", "gradient", "ridge", "gradient", "ridge"]
    task = Classification(np.array(["a", "b"]))
    judged = voting.judged_cases(recipe, kinds, data, task, RngSpec(0))
    assert np.bincount(data.targets[judged, 1].astype(int)).tolist() == [2, 2]
    assert voting.leave_out(kinds, judged) == [False, False, False, True, False]  # the last learned one
    assert voting.judged_cases(recipe, ["gradient", "ridge"], data, task, RngSpec(0)) is None
    assert voting.judged_cases(recipe.but(vote="mean"), kinds, data, task, RngSpec(0)) is None
    assert voting.leave_out(kinds, None) == [False] * 5


def test_the_ways_of_a_hybrid_are_judged_by_the_same_cases(problem, monkeypatch):
    judged = []

    def keep(kinds, unseen, data, task):
        judged.extend(
            (kind, np.flatnonzero(~np.isnan(one[:, 0])))
            for kind, one in zip(kinds, unseen, strict=True)
            if one is not None
        )
        return voting.worths(kinds, unseen, data, task)

    monkeypatch.setattr(sys.modules["mlstm_fcn.fitting.assembly"], "worths", keep)
    recipe = Recipe.named("hybrid", member_options=({}, {}, {"network": "multirocket", **SMALL}), n_members=3)
    MLSTMFCNClassifier(recipe=recipe, **QUICK).fit(*problem)
    assert [kind for kind, _ in judged] == ["gradient", "ridge"]
    assert len(judged[0][1]) == 10
    np.testing.assert_array_equal(judged[0][1], judged[1][1])


def test_a_third_of_each_class_is_chosen_and_none_of_a_class_of_one_case():
    classes = np.array([0] * 7 + [1] * 5 + [2])
    rng = np.random.default_rng(0)
    sizes = set()
    for _ in range(20):
        chosen = voting.a_third_of_each(classes, rng)
        assert len(set(chosen.tolist())) == len(chosen)
        sizes.add(tuple(np.bincount(classes[chosen], minlength=3).tolist()))
    assert sizes == {(2, 1, 0), (2, 2, 0), (3, 1, 0), (3, 2, 0)}
    assert len(voting.a_third_of_each(np.arange(3), rng)) == 0


def test_shares_are_the_fourth_powers_of_accuracies_on_unseen_cases():
    data = Dataset([np.zeros((4, 1, 1))], np.eye(2)[[0, 0, 1, 1]], np.ones(4))
    task = Classification(np.array(["a", "b"]))
    right, nan = np.eye(2)[[0, 0, 1, 1]], np.full((2, 2), np.nan)
    first, second = np.r_[right[:2], nan], np.r_[nan, right[2:]]
    solved = np.eye(2)[[1, 1, 1, 1]]  # half of them right
    kinds = ["gradient", "gradient", "ridge"]
    shares = voting.worths(kinds, [first, second, solved], data, task)
    assert shares == pytest.approx([8 / 17, 8 / 17, 1 / 17])
    assert voting.worths(kinds, [None, second, solved], data, task) == pytest.approx(
        shares
    )  # one member tells
    assert voting.worths(kinds, [None, None, solved], data, task) is None
    weighted = Dataset(data.inputs, data.targets, np.array([1, 1, 0, 0]))
    assert voting.worths(kinds, [first, second, solved], weighted, task) == pytest.approx([0.5, 0.5, 0])
    assert voting.worths(kinds, [None, second, right], weighted, task) is None  # no case that counts


def test_shares_of_a_regression_are_of_explained_variance():
    targets = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    data, task = Dataset([np.zeros((4, 1, 1))], targets, np.ones(4)), Regression(0.0, 1.0)
    halved = targets / 2  # explains three quarters
    assert voting.worths(["gradient", "ridge"], [targets, halved], data, task) == pytest.approx(
        [1 / (1 + 0.75**4), 0.75**4 / (1 + 0.75**4)]
    )
    assert voting.worths(["gradient", "ridge"], [0 * targets, 0 * targets], data, task) is None


@pytest.mark.parametrize("shares", [(0.5, 0.6), (1.5, -0.5), ()])
def test_shares_must_be_shares(shares):
    with pytest.raises(ValueError, match="must not be negative, and must sum to 1"):
        WeightedVote(shares)
