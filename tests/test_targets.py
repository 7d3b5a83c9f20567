"""Targets are read as what they must mean: classes, numbers, one network or several; or refused."""

import numpy as np
import pandas as pd
import pytest

from mlstm_fcn import NetworkRegressor, trust
from tests import quick_fcn
from tests.quick_fcn import QUICK, fit, small
from tests.quick_fit import assert_same

data, plain = quick_fcn.data, quick_fcn.plain


def one_hot_array(y):
    return (y[:, None] == np.unique(y)).astype(np.int8)


def data_of_numbers(data):
    return data[0], np.unique(data[1], return_inverse=True)[1]


@pytest.mark.parametrize("dtype", [int, float, bool])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_one_hot_rows_are_classes(method, dtype, data):
    X, y = data
    numbers = np.unique(y, return_inverse=True)[1]
    expected, read = (
        getattr(small(), method)(X, target) for target in (numbers, one_hot_array(y).astype(dtype))
    )
    assert read.classes_.tolist() == [0, 1, 2, 3]
    assert_same(expected, read)
    assert read.score(X, one_hot_array(y)) == expected.score(X, numbers)


def test_one_hot_rows_without_the_column_of_a_class_are_refused(data):
    """As of a part of the cases, in which it does not occur: the numbers of the columns would be others."""
    X, y = data
    classifier = small(n_epochs=1).fit(X, one_hot_array(y))
    some = y != "Running"  # the second of four classes
    X, lost, named = (
        X[some],
        one_hot_array(y[some]),
        pd.get_dummies(np.unique(y, return_inverse=True)[1][some]),
    )
    for call in (
        classifier.score,
        classifier.partial_fit,
        lambda X, y: trust.calibrate(classifier, X, y),
        lambda X, y: small(n_epochs=1).fit(*data_of_numbers(data), X_val=X, y_val=y),
    ):
        with pytest.raises(ValueError, match=r"One-hot `y` must have the columns of fit.*columns=3"):
            call(X, lost)
    right = np.insert(lost, 1, 0, axis=1)
    assert classifier.score(X, named) == classifier.score(X, right)
    assert small(n_epochs=1).fit(X, right).score(X, right) >= 0  # classes 0, 2 and 3


def test_objects_that_are_numbers_are_read_as_such(data):
    X, numbers = data_of_numbers(data)
    classifier = small(n_epochs=1).fit(X, numbers.astype(object))
    assert classifier.classes_.dtype.kind == "i"
    expected = classifier.score(X, numbers)
    assert classifier.score(X, numbers.astype(object)) == classifier.score(X, numbers.tolist()) == expected


def test_one_hot_rows_are_classes_in_training_that_goes_on(data):
    X, rows = data[0], one_hot_array(data[1])
    classifier = small(n_epochs=1, warm_start=True).fit(X, rows)
    assert classifier.fit(X, rows).partial_fit(X, rows).fine_tune(X, rows).classes_.tolist() == [0, 1, 2, 3]


def test_one_hot_frames_are_the_classes_that_their_columns_name(data, plain):
    X, y = data
    read = fit((X, pd.get_dummies(y)), None, X, pd.get_dummies(y))
    assert read.classes_.tolist() == np.unique(y).tolist()
    assert_same(read, plain)


def test_rows_of_several_ones_are_one_network_as_an_array_and_a_network_each_as_a_frame(data):
    X, y = data
    several = np.stack([y == "Running", y != "Walking"], axis=1).astype(int)
    for call in (small(n_epochs=1).fit, small().partial_fit):
        assert call(X, several).predict(X).shape == (40, 2)
    with pytest.raises(ValueError, match="Targets must be one column, as those of fit"):
        fit(data, None, X, several)
    each = small(n_epochs=1).fit(X, pd.DataFrame(several, columns=["ran", "moved"]))
    assert each.predict(X).columns.tolist() == ["ran", "moved"]


def test_columns_of_numbers_are_one_network_as_an_array_and_a_network_each_as_a_frame(data):
    X, y = data
    numbers = one_hot_array(y).astype(float)
    assert NetworkRegressor(**QUICK, n_epochs=1).fit(X, numbers).model_.output_shape == (None, 4)
    each = NetworkRegressor(**QUICK, n_epochs=1).fit(X, pd.DataFrame(numbers, columns=list("abcd")))
    assert each.predict(X).columns.tolist() == list("abcd")


@pytest.mark.parametrize(
    "y",
    [
        np.linspace(0, 1, 40),
        np.arange(40.0),
        np.linspace(0, 1, 40)[:, None],
        np.repeat(np.arange(20) / 10, 2),
    ],
    ids=["fractions", "whole", "column", "twice each"],
)
def test_numbers_are_no_classes(y, data):
    for call in (small().fit, small().partial_fit):
        with pytest.raises(
            ValueError, match=r"Use a regressor.*or make the classes text.*different_numbers="
        ):
            call(data[0], y)


@pytest.mark.parametrize(
    "y",
    [np.arange(40) % 20.0, np.arange(40) % 4 / 8, np.arange(40), np.linspace(0, 1, 40).astype(str)],
    ids=["half as many", "few", "integers", "text"],
)
def test_numbers_may_be_classes(y, data):
    assert len(small(n_epochs=1).fit(data[0], y).classes_) == len(np.unique(y))


def test_classes_of_a_fitted_classifier_cannot_change(data):
    X, y = data
    labels = np.unique(y)
    classifier = small().partial_fit(X, y, classes=labels[::-1])
    assert classifier.partial_fit(X, y, classes=labels[::-1]).n_epochs_ == 2
    for others in (labels[:3], [*labels, "Flying"]):
        with pytest.raises(ValueError, match="must be those of the last fit, and so must `classes`"):
            classifier.partial_fit(X, y, classes=others)
