"""Resamples and folds are those that the field's libraries make, and lose no case."""

import numpy as np
import pytest
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold

from mlstm_fcn.datasets import Problem, load


def series(positions):
    return np.asarray(positions, float)[:, None, None] * np.ones((1, 1, 3))


@pytest.fixture
def small():
    """18 cases whose values are their positions, so that indices can be read off."""
    y_train, y_test = np.array([*"baabcacb"]), np.array([*"abccabbaca"])
    return Problem("small", series(range(8)), y_train, series(range(8, 18)), y_test)


# drawn by aeon 1.6.0 and by sktime 1.2.0 for the same labels and seeds
KNOWN = {
    1: ([17, 5, 2, 7, 9, 3, 11, 4], [1, 12, 8, 15, 13, 0, 14, 6, 10, 16]),
    2: ([12, 2, 8, 14, 13, 9, 6, 16], [5, 17, 15, 1, 3, 7, 0, 11, 4, 10]),
    29: ([17, 1, 5, 7, 9, 14, 16, 4], [2, 12, 8, 15, 13, 3, 0, 10, 6, 11]),
}


@pytest.mark.parametrize("seed", KNOWN)
def test_resamples_are_those_of_sktime_and_aeon(seed, small):
    drawn = small.resample(seed)
    assert (drawn.X_train[:, 0, 0].tolist(), drawn.X_test[:, 0, 0].tolist()) == KNOWN[seed]


@pytest.mark.parametrize("seed", [1, 7])
def test_resamples_of_real_data_are_sktimes(seed, basic_motions):
    import pandas as pd
    from sktime.utils.sampling import stratified_resample

    drawn = basic_motions.resample(seed)
    first = [pd.DataFrame({"x": X[:, 0, 0]}) for X in (basic_motions.X_train, basic_motions.X_test)]
    theirs = stratified_resample(first[0], basic_motions.y_train, first[1], basic_motions.y_test, seed)
    np.testing.assert_array_equal(drawn.X_train[:, 0, 0], theirs[0]["x"])
    np.testing.assert_array_equal(drawn.y_train, theirs[1])
    np.testing.assert_array_equal(drawn.X_test[:, 0, 0], theirs[2]["x"])


def test_resample_zero_is_the_default_split(small):
    assert small.resample(0) is small


def test_resamples_keep_class_counts_and_every_case():
    problem = load("JapaneseVowels")
    drawn = problem.resample(5)
    for part in ("y_train", "y_test"):
        ours = np.unique(getattr(problem, part), return_counts=True)
        np.testing.assert_array_equal(ours, np.unique(getattr(drawn, part), return_counts=True))

    def all_cases(problem):
        return sorted(case.tobytes() for case in problem.pooled()[0])

    assert all_cases(drawn) == all_cases(problem)
    assert drawn.X_train[0].tobytes() != problem.X_train[0].tobytes()


@pytest.mark.parametrize("labels", [np.array([0, 1, 2]), np.array(["a", "b", "c"], object), ["x", "Y", "z"]])
def test_labels_of_any_kind_are_classes_in_the_order_of_sktimes_lower_case(labels, small):
    names = dict(zip("abc", labels, strict=True))
    y_train, y_test = (np.array([names[label] for label in y]) for y in (small.y_train, small.y_test))
    drawn = Problem("it", small.X_train, y_train, small.X_test, y_test).resample(1)
    assert drawn.X_train[:, 0, 0].tolist() == KNOWN[1][0]
    assert "3 classes" in repr(drawn)


def test_resamples_of_a_regression_problem_keep_the_sizes():
    problem = load("Covid3Month")
    drawn = problem.resample(1)
    assert (len(drawn.y_train), len(drawn.y_test)) == (len(problem.y_train), len(problem.y_test))
    assert sorted(drawn.pooled()[1].tolist()) == sorted(problem.pooled()[1].tolist())


def test_resampling_raises_without_labels_or_classes(small):
    for seed in (-1, 1.5, "a"):
        with pytest.raises(ValueError, match="`seed` must be an integer of at least 0"):
            small.resample(seed)
    unlabelled = Problem("it", small.X_train, small.y_train[:0], small.X_test, small.y_test[:0])
    assert "8 training and 10 test cases" in repr(unlabelled)
    for call in (lambda: unlabelled.resample(1), lambda: next(unlabelled.folds(StratifiedKFold(2)))):
        with pytest.raises(ValueError, match="Every case must have a label"):
            call()
    strange = Problem("strange", small.X_train, small.y_train, small.X_test[:1], np.array(["z"]))
    with pytest.raises(
        ValueError,
        match=r"Every test class must be in the training set to resample. Received: unknown=\['z'\]",
    ):
        strange.resample(1)


def test_folds_are_those_of_the_splitter(small):
    folds = list(small.folds(StratifiedKFold(3)))
    assert len(folds) == 3
    tested = np.concatenate([fold.X_test[:, 0, 0] for fold in folds])
    assert sorted(tested.tolist()) == list(range(18))
    for fold in folds:
        assert set(fold.X_train[:, 0, 0]).isdisjoint(fold.X_test[:, 0, 0])
        assert set(fold.y_train) == set("abc")


def test_a_group_is_never_on_both_sides(small):
    groups = np.arange(18) // 6
    for fold in small.folds(LeaveOneGroupOut(), groups):
        assert len({int(position) // 6 for position in fold.X_test[:, 0, 0]}) == 1
        assert len(fold.y_train) == 12


def test_folds_of_series_of_different_lengths_stay_lists_where_they_must():
    problem = load("JapaneseVowels")
    fold = next(problem.folds(StratifiedKFold(5)))
    assert isinstance(fold.X_train, list)
    assert len(fold.X_train) + len(fold.X_test) == 640
