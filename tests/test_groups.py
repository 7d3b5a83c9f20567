"""Groups: what belongs together, such as the series of a person, is trained on or held back, never both."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline

from mlstm_fcn import MLSTMFCNClassifier, NetworkRegressor
from mlstm_fcn._groups import group_numbers, held_back
from mlstm_fcn.datasets import Problem
from mlstm_fcn.fitting import members
from tests.quick_fit import small

PEOPLE = np.repeat([f"person {number}" for number in range(8)], 6)
LABELS = np.tile(["sits", "walks", "runs"], 16)
SERIES = np.random.default_rng(0).normal(size=(48, 1, 12))
SERIES[:, 0, 0] = np.repeat(np.arange(8.0), 6)  # the first value of a series says whose it is


@pytest.fixture
def sides(monkeypatch):
    """The first values of the series that each fit trains and validates on; nothing is trained."""
    seen = []

    def look(network, examples, recipe, *, validation, **others):
        seen.append([np.unique(data.inputs[0][:, 0, 0]) for data in (examples, validation)])

    monkeypatch.setattr(members, "train", look)
    return seen


@pytest.mark.parametrize("estimator", [small, lambda **options: NetworkRegressor(network="fcn", **options)])
@pytest.mark.parametrize("seed", range(3))
def test_no_group_is_on_both_sides_of_a_validation_split(estimator, seed, sides):
    numbered = estimator is not small
    y = np.linspace(0, 1, 48) if numbered else LABELS
    one = estimator(validation_split=0.25, random_state=seed, n_epochs=1)
    one.fit(SERIES, y, groups=PEOPLE)
    ((trained, validated),) = sides
    assert len(trained) == 6
    assert len(validated) == 2
    assert not set(trained.tolist()) & set(validated.tolist())


def test_without_groups_persons_are_on_both_sides(sides):
    """What the test above must see."""
    small(validation_split=0.25).fit(SERIES, LABELS)
    ((trained, validated),) = sides
    assert set(trained.tolist()) & set(validated.tolist())


def test_further_training_holds_back_the_same_groups(sides):
    classifier = small(validation_split=0.25, warm_start=True)
    classifier.fit(SERIES, LABELS, groups=PEOPLE).fit(SERIES, LABELS, groups=PEOPLE)
    classifier.fine_tune(SERIES, LABELS, groups=PEOPLE)
    for side in (0, 1):
        assert [one[side].tolist() for one in sides] == [sides[0][side].tolist()] * 3


def test_metadata_routing_carries_groups_to_splitter_and_fit(sides):
    with config_context(enable_metadata_routing=True):
        classifier = small(validation_split=0.25).set_fit_request(groups=True)
        scores = cross_validate(
            make_pipeline(classifier),
            SERIES,
            LABELS,
            params={"groups": PEOPLE},
            cv=GroupKFold(2),
            error_score="raise",
        )
    assert len(scores["test_score"]) == 2
    for trained, validated in sides:
        assert len(trained) + len(validated) == 4  # of eight; the others are the test set of the fold
        assert not set(trained.tolist()) & set(validated.tolist())


def test_whole_groups_come_near_the_share_in_each_class():
    """Four groups of each of two classes, and one large group that would be too much."""
    groups = np.repeat(np.arange(9), [5] * 8 + [60])
    classes = np.repeat([0, 1, 2], [20, 20, 60])
    for seed in range(10):
        chosen = held_back(groups, 25, np.random.default_rng(seed), classes)
        assert not chosen[groups == 8].any()
        assert [int(chosen[classes == one].sum()) for one in (0, 1)] == [5, 5]
        assert all(chosen[groups == one].all() or not chosen[groups == one].any() for one in range(9))


@pytest.mark.parametrize(("n_wanted", "n_chosen"), [(1, 5), (9.9, 5)])
def test_at_least_one_group_is_chosen_and_one_is_not(n_wanted, n_chosen):
    chosen = held_back(np.repeat([0, 1], 5), n_wanted, np.random.default_rng(0))
    assert chosen.sum() == n_chosen


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"groups": PEOPLE[:40]},
            r"`groups` must name a group for each of the 48 cases. Received: shape=\(40,\)",
        ),
        ({"groups": np.ones(48)}, "at least two groups, or none can be held back; leave `groups` out"),
        ({"groups": [None, *PEOPLE[1:]]}, r"Every case must have a group. Received: cases_without_one=\[0\]"),
        (
            {"groups": [np.nan, *range(47)]},
            r"Every case must have a group. Received: cases_without_one=\[0\]",
        ),
        (
            {"groups": ["a"] * 24 + [np.nan] * 24},
            r"Every case must have a group. Received: cases_without_one=\[24, 25",
        ),
        ({"groups": [1] * 24 + ["1"] * 24}, "Either all groups are strings, or none is"),
        ({"groups": PEOPLE, "X_val": SERIES, "y_val": LABELS}, "leave out one of the two"),
    ],
)
def test_groups_that_cannot_be_used_are_told(given, message):
    with pytest.raises(ValueError, match=message):
        small(validation_split=0.25).fit(SERIES, LABELS, **given)


def test_groups_without_a_validation_split_are_told():
    with pytest.raises(ValueError, match="divide the `validation_split`: set it, for example"):
        small().fit(SERIES, LABELS, groups=PEOPLE)
    with pytest.raises(ValueError, match="leaves out cases, not groups: use another recipe"):
        MLSTMFCNClassifier(recipe="hybrid", validation_split=0.2).fit(SERIES, LABELS, groups=PEOPLE)


def test_groups_of_one_case_each_are_told():
    with pytest.warns(UserWarning, match="Every group has one case, so `groups` change nothing; give what"):
        assert group_numbers(["b", "c", "a"], 3).tolist() == [1, 2, 0]


def test_a_class_that_training_would_miss_is_told(sides):
    y = np.where(PEOPLE == "person 0", "alone", "with others")
    with pytest.warns(UserWarning, match=r"All cases of a class are in groups that validate.*'alone'"):
        small(validation_split=0.9).fit(SERIES, y, groups=PEOPLE)


def problem():
    parts = {"train": slice(0, 30), "test": slice(30, 48)}
    values = {f"X_{name}": SERIES[part] for name, part in parts.items()}
    values |= {f"y_{name}": LABELS[part] for name, part in parts.items()}
    return Problem("people", **values, groups_train=PEOPLE[:30], groups_test=PEOPLE[30:])


def test_resamples_of_a_problem_with_groups_divide_no_group():
    whole, train_sets = problem(), set()
    assert whole.resample(0) is whole
    for seed in range(1, 5):
        drawn = whole.resample(seed)
        train, test = set(drawn.groups_train), set(drawn.groups_test)
        assert not train & test
        assert len(train | test) == 8
        assert len(drawn.y_train) == 30
        for X, groups in ((drawn.X_train, drawn.groups_train), (drawn.X_test, drawn.groups_test)):
            assert [f"person {int(series[0, 0])}" for series in X] == list(groups)
        train_sets.add(tuple(sorted(train)))
    assert len(train_sets) > 1
    assert [*whole.resample(3).groups_train] == [*whole.resample(3).groups_train]


def test_folds_take_the_groups_of_the_problem():
    for fold in problem().folds(GroupKFold(4)):
        assert not set(fold.groups_train) & set(fold.groups_test)
        assert len(set(fold.groups_test)) == 2


def test_groups_change_the_digest_and_must_fit():
    from dataclasses import replace

    whole = problem()
    assert whole.digest() != replace(whole, groups_train=None, groups_test=None).digest()
    with pytest.raises(ValueError, match="must name a group for each"):
        replace(whole, groups_train=PEOPLE[:3])
    with pytest.raises(ValueError, match="must be given together"):
        replace(whole, groups_train=None)
