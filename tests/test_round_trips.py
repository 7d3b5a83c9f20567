"""What is written is read again, for any series and labels that a format can hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mlstm_fcn.datasets import read, write

FORMATS = [".ts", ".arff", ".tsv", ".txt", ".csv", ".npz"]
ONE_CHANNEL = (".tsv", ".txt", ".csv")
NUMBERS = st.floats(allow_nan=True, allow_infinity=False, width=64)
LABELS = st.text("abcXYZ019.+-_äß中", min_size=1, max_size=6)


@st.composite
def cases(draw, suffix):
    channels = 1 if suffix in ONE_CHANNEL else draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    series = [draw(arrays(np.float64, (channels, length), elements=NUMBERS)) for length in lengths]
    if suffix in ONE_CHANNEL:  # there NaN at the end is no part of a series
        for case in series:
            case[0, -1] = np.nan_to_num(case[0, -1])
    return series, draw(st.lists(LABELS, min_size=len(series), max_size=len(series)))


@pytest.mark.parametrize("suffix", FORMATS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_series_and_labels_come_back(suffix, data, tmp_path_factory):
    series, labels = data.draw(cases(suffix))
    path = tmp_path_factory.mktemp("round") / f"It_TRAIN{suffix}"
    write(path, series, labels)
    X, y = read(path)
    assert y.tolist() == labels
    assert isinstance(X, np.ndarray) == (len({case.shape for case in series}) == 1)
    for back, case in zip(X, series, strict=True):
        np.testing.assert_array_equal(back, case)


@pytest.mark.parametrize("suffix", [".ts", ".arff", ".npz"])
@settings(max_examples=30, deadline=None)
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_numbers_to_predict_come_back(suffix, numbers, tmp_path_factory):
    path = tmp_path_factory.mktemp("round") / f"It{suffix}"
    series = np.arange(6.0 * len(numbers)).reshape(-1, 2, 3)
    write(path, series, np.array(numbers))
    X, y = read(path)
    np.testing.assert_array_equal(X, series)
    np.testing.assert_array_equal(y, numbers)


@pytest.mark.parametrize("suffix", [".ts", ".npz"])
def test_series_without_labels_come_back(suffix, tmp_path):
    series = np.arange(6.0).reshape(2, 1, 3)
    write(tmp_path / f"It{suffix}", series)
    X, y = read(tmp_path / f"It{suffix}")
    np.testing.assert_array_equal(X, series)
    assert len(y) == 0


def test_labels_of_any_text_come_back_from_npz(tmp_path):
    labels = ["two words", "a:b", "", "#"]
    write(tmp_path / "It.npz", np.ones((4, 1, 2)), labels)
    assert read(tmp_path / "It.npz")[1].tolist() == labels
