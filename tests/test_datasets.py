"""Data sets load offline, as arrays, with the archive's labels."""

import numpy as np
import pytest

from mlstm_fcn import datasets


def test_basic_motions_is_the_archives(basic_motions):
    assert repr(basic_motions) == (
        "Problem('BasicMotions': 40 training and 40 test cases, 6 channels, 100 steps, 4 classes)"
    )
    assert basic_motions.X_train.shape == basic_motions.X_test.shape == (40, 6, 100)
    labels, counts = np.unique(basic_motions.y_train, return_counts=True)
    assert labels.tolist() == ["Badminton", "Running", "Standing", "Walking"]
    assert counts.tolist() == [10, 10, 10, 10]


def test_values_equal_those_of_sktimes_reader():
    from sktime.datasets import load_from_tsfile
    from sktime.datatypes import convert

    X, y = datasets.load("BasicMotions", split="test")
    path = datasets._file("BasicMotions", "test")
    their_X, their_y = load_from_tsfile(str(path), return_data_type="nested_univ")
    np.testing.assert_array_equal(X, convert(their_X, "nested_univ", "numpy3D"))
    assert [label.lower() for label in y] == their_y.tolist()


def test_one_split_is_that_part_of_the_problem(basic_motions):
    for split in ("train", "test"):
        X, y = datasets.load("BasicMotions", split=split)
        np.testing.assert_array_equal(X, getattr(basic_motions, f"X_{split}"))
        np.testing.assert_array_equal(y, getattr(basic_motions, f"y_{split}"))


def test_different_lengths_come_as_a_list():
    problem = datasets.load("JapaneseVowels")
    assert "270 training and 370 test cases, 12 channels, 7 to 29 steps, 9 classes" in repr(problem)
    assert all(case.shape[0] == 12 for case in problem.X_train)
    assert {case.shape[1] for case in problem.X_train} <= set(range(7, 30))


@pytest.mark.parametrize("name", datasets.names())
def test_every_bundled_data_set_loads(name):
    problem = datasets.load(name)
    assert len(problem.X_train) == len(problem.y_train) > 0
    assert len(problem.X_test) == len(problem.y_test) > 0
    if problem.y_train.dtype.kind == "U":
        assert set(problem.y_test) <= set(problem.y_train)


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'BasicMotions'"):
        datasets.load("basicmotion")
    with pytest.raises(ValueError, match="`split` must be one of 'train', 'test'"):
        datasets.load("BasicMotions", split="validation")
