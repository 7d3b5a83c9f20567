"""Series in any container are read alike, or refused with the repair."""

import numpy as np
import pandas as pd
import pytest

from mlstm_fcn import export
from tests import quick_fcn, quick_fit
from tests.frames import NAMES, frames
from tests.quick_fcn import fit, small

data, plain = quick_fcn.data, quick_fcn.plain
fitted = quick_fit.fitted


def ragged(X):
    return [case[:, : 60 + number] for number, case in enumerate(X)]


def in_array(cases):
    """An array of objects that are arrays, as `np.array(cases, dtype=object)` is if lengths differ."""
    array = np.empty(len(cases), dtype=object)
    array[:] = cases
    return array


CONTAINER = r"X must be an array \(cases, channels, time\), a list of \(channels, time\), or a panel"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X, y: (X, "a"), "a target for each case, such as a list; not a name. Received: y='a'"),
        (lambda X, y: (X, None), "a target for each case, such as a list; not a name. Received: y=None"),
        (lambda X, y: (None, y), CONTAINER),
        (lambda X, y: ("a", y), CONTAINER),
        (lambda X, y: (3.0, y), CONTAINER),
        (lambda X, y: (["a"] * 40, y), CONTAINER),
        (
            lambda X, y: (X.astype(str), y),
            r"becomes them by `X.astype\(float\)`. Received: dtype='<U",
        ),
        (lambda X, y: (np.where(X > 5, "a", X.astype(object)), y), "must hold numbers alone"),
        (lambda X, y: ([[[1.0, 2.0], [3.0]]] * 40, y), "numbers alone, as many for each channel"),
        (lambda X, y: ([case.T for case in ragged(X)], y), r"give \[x.T for x in X\]"),
        (lambda X, y: (X[0], y[:1]), r"the same number of cases. If X is one series .*, give \[X\]"),
    ],
    ids=range(11),
)
def test_what_cannot_be_fitted_is_told_with_the_repair(spoil, message, basic_motions):
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=message):
            getattr(quick_fit.small(), method)(*spoil(basic_motions.X_train, basic_motions.y_train))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X: X[0], r"X must have 6 channels, as in fit. If X is one series .*, give \[X\]"),
        (lambda X: np.swapaxes(X, 1, 2), r"give np.swapaxes\(X, 1, 2\)"),
        (lambda X: "a", CONTAINER),
        (lambda X: None, CONTAINER),
        (lambda X: [case.T for case in ragged(X)], r"give \[x.T for x in X\]"),
    ],
    ids=range(5),
)
def test_what_cannot_be_predicted_is_told_with_the_repair(spoil, message, fitted, basic_motions):
    for one in (fitted, fitted.fitted_):
        with pytest.raises(ValueError, match=message):
            one.predict(spoil(basic_motions.X_test))


@pytest.mark.parametrize(
    "other",
    [in_array, lambda cases: [case.tolist() for case in cases], tuple],
    ids=["array of arrays", "lists", "tuple"],
)
def test_containers_that_mean_the_same_are_read_as_a_list_of_arrays(other, fitted, basic_motions):
    cases = ragged(basic_motions.X_test[:4])
    expected = fitted.predict_proba(cases)
    np.testing.assert_array_equal(fitted.predict_proba(other(cases)), expected)
    np.testing.assert_array_equal(fitted.fitted_.predict_proba(other(cases)), expected)


def test_rows_of_frames_in_a_list_are_steps_whatever_their_index_counts(fitted, basic_motions):
    """Rows of a sorted table keep the numbers that they had there, which sktime refuses without a reason."""
    X = basic_motions.X_test[:2]
    names = [f"channel_{number}" for number in range(6)]
    for index in (np.arange(100) / 10, pd.date_range("2026-01-01", periods=100, freq="s"), range(7, 107)):
        frames = [pd.DataFrame(case.T, index=index, columns=names) for case in X]
        np.testing.assert_array_equal(fitted.predict_proba(frames), fitted.predict_proba(X))
        assert frames[0].index[0] == index[0], "the frames of the user stay as they are"
    shuffled = [frames[0], frames[1].iloc[::-1]]
    with pytest.raises(ValueError, match=r"must increase: sort by it, or give `frame.reset_index.*case=1"):
        fitted.predict(shuffled)


def test_an_exported_model_reads_a_list_of_series(onnx, motions):
    pytest.importorskip("onnxruntime")
    X = motions.X_test[:3]
    artifact = export.load(onnx)
    np.testing.assert_array_equal(artifact.outputs(list(X)), artifact.outputs(X))
    with pytest.raises(ValueError, match="Every series must have the full length: this model has no mask"):
        artifact.outputs(ragged(X))
    with pytest.raises(ValueError, match="numbers alone, as many for each channel"):
        artifact.outputs([[[1.0, 2.0], [3.0]]])
    with pytest.raises(ValueError, match=CONTAINER):
        artifact.outputs("a")


def test_more_channels_than_steps_are_warned_of_in_fit(data):
    X, y = data
    swapped = X[:, :, :7].transpose(0, 2, 1)
    with pytest.warns(UserWarning, match=r"7 channels of 6 steps.*, give `X.transpose\(0, 2, 1\)`"):
        classifier = fit((swapped, y))
    classifier.predict(swapped)
    fit((swapped[:, :6], y))
    ragged = [case[:, : 4 + number % 3] for number, case in enumerate(swapped)]
    with pytest.warns(UserWarning, match="7 channels of 6 steps"):
        fit((ragged, y))
    fit(([pd.DataFrame(case.T) for case in swapped], y))  # the axes of a frame have names


@pytest.mark.parametrize(
    ("spoilt", "dtype"),
    [
        (lambda X: X + 1j, "complex128"),
        (lambda X: X.astype("datetime64[s]"), r"datetime64\[s\]"),
        (lambda X: X.astype("timedelta64[s]"), r"timedelta64\[s\]"),
        (lambda X: list(X + 1j), "complex128"),
        (lambda X: frames(X.astype("datetime64[s]"), NAMES), r"datetime64\[s\]"),
        (lambda X: frames(X + 1j, NAMES), "complex128"),
    ],
    ids=["complex", "dates", "times", "list", "dates in frames", "complex in frames"],
)
def test_dates_and_complex_numbers_are_refused(spoilt, dtype, data, plain):
    X, y = data
    rule = f"X must hold real numbers; turn dates into numbers.*dtype='{dtype}'"
    for call in (lambda X: small().fit(X, y), lambda X: small().partial_fit(X, y), plain.predict):
        with pytest.raises(ValueError, match=rule):
            call(spoilt(X))
