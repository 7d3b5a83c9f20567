"""What cannot be meant is told in a sentence, before, in and after fit."""

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError as SklearnNotFittedError
from sktime.exceptions import NotFittedError as SktimeNotFittedError

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, Recipe, datasets
from tests.quick_fit import SMALL, with_recipe

LABELS = ("Badminton", "Running", "Standing", "Walking")


@pytest.fixture(scope="module")
def fitted(basic_motions):
    return MLSTMFCNClassifier(**SMALL).fit(basic_motions.X_train, basic_motions.y_train)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
def test_values_that_are_not_finite_are_named_with_their_place(value, fitted, basic_motions):
    X = basic_motions.X_train.copy()
    X[3, 4, 50] = value
    for call in (
        lambda: MLSTMFCNClassifier(**SMALL).fit(X, basic_motions.y_train),
        lambda: fitted.predict(X),
    ):
        with pytest.raises(ValueError, match=r"must be finite.*1 are not. Received: X\[3, 4, 50\]="):
            call()


def test_outputs_that_are_no_numbers_are_no_classes(fitted, basic_motions):
    X = basic_motions.X_test.copy()
    X[3] = 1e38
    for method in (fitted.predict, fitted.predict_proba):
        with pytest.raises(
            ValueError,
            match=r"Outputs overflowed: .*cases=\[3\], n_cases=1",
        ):
            method(X)


def test_training_that_diverges_is_told(basic_motions):
    classifier = MLSTMFCNClassifier(**SMALL, recipe=Recipe(optimizer="sgd"), learning_rate=1e30)
    with pytest.warns(UserWarning, match="Training has diverged: its last loss is nan"):
        classifier.fit(basic_motions.X_train, basic_motions.y_train)


@pytest.mark.filterwarnings("ignore:only single label seen")
def test_masked_and_absent_values_are_missing(fitted, basic_motions):
    gaps = basic_motions.X_test[:4].copy()
    gaps[:, 2, 10:20] = np.nan
    masked = np.ma.masked_array(np.where(np.isnan(gaps), 1e6, gaps), mask=np.isnan(gaps))
    absent = np.where(np.isnan(gaps), None, gaps)
    expected = fitted.predict_proba(gaps)
    for X in (masked, list(masked), list(absent)):
        np.testing.assert_array_equal(fitted.predict_proba(X), expected)
    labels = basic_motions.y_test[:4]
    of_nan, *others = (MLSTMFCNClassifier(**SMALL).fit(X, labels).predict_proba(X) for X in (gaps, masked))
    for other in others:
        np.testing.assert_array_equal(other, of_nan)


def test_one_class_only_gives_a_warning_and_that_class(basic_motions):
    classifier = MLSTMFCNClassifier(**SMALL)
    with pytest.warns(UserWarning, match="single label"):
        classifier.fit(basic_motions.X_train, np.full(40, "it"))
    assert classifier.predict(basic_motions.X_test).tolist() == ["it"] * 40
    assert classifier.predict_proba(basic_motions.X_test).tolist() == [[1]] * 40


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X, y: (X, y[:-1]), "X and y must have the same number of cases. Received: X=40, y=39"),
        (lambda X, y: (X[:0], y[:0]), "X and y must hold at least one case"),
        (lambda X, y: ([], []), "X and y must hold at least one case"),
        (
            lambda X, y: (X, np.array([1, "a"] * 20, dtype=object)),
            "Either all labels are strings, or none is",
        ),
        (lambda X, y: (X, [1, "a"] * 20), "Either all labels are strings, or none is"),
        (lambda X, y: (X, ["a", "b", "a", np.nan] * 10), "Every case must have a target.*\\[3, 7"),
        (lambda X, y: (X[:, :, :0], y), "X must hold at least one value"),
        (lambda X, y: (X[0, 0], y), r"X must be \(cases, channels, time\) or \(cases, time\)"),
        (lambda X, y: (X[..., None], y), r"X must be \(cases, channels, time\) or \(cases, time\)"),
        (lambda X, y: (X, np.where(np.arange(40) == 3, None, y)), "Every case must have a target.*\\[3\\]"),
        (
            lambda X, y: (X, np.where(np.arange(40) == 3, np.nan, 1.0)),
            "Every case must have a target.*\\[3\\]",
        ),
    ],
)
def test_data_that_do_not_fit_together(spoil, message, basic_motions):
    with pytest.raises(ValueError, match=message):
        MLSTMFCNClassifier(**SMALL).fit(*spoil(basic_motions.X_train, basic_motions.y_train))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"recipe": "papr"}, "Did you mean 'paper'"),
        ({"n_epochs": 0}, "`n_epochs` must be a positive integer"),
        ({"scaling": "chanel"}, "Did you mean 'channel'"),
        ({"missing": "drop"}, "`missing` must be one of 'interpolate', 'zero', 'error'"),
        ({"on_longer": "crop"}, "`on_longer` must be one of 'warn', 'cut', 'error'"),
        ({"head": "avrage"}, "Did you mean 'average'"),
        (
            {"label_smoothing": 0.2, "loss": "kl_divergence"},
            "`label_smoothing` applies only to the default loss",
        ),
        (
            {"class_weight": dict.fromkeys(LABELS, -1.0)},
            "`class_weight` must be finite numbers, not negative",
        ),
        (
            {"class_weight": dict.fromkeys(LABELS, 0)},
            "`class_weight` must be finite numbers, .* not all zero",
        ),
        ({"callbacks": keras.callbacks.TerminateOnNaN()}, "`callbacks` must be a list of Keras callbacks"),
        ({"se_blocks": (4,)}, "`se_blocks` must be a tuple of block numbers from 1 to 3"),
    ],
)
def test_bad_parameters_are_named_in_fit(parameters, message, basic_motions):
    """A recipe refuses contradictions when it is made, everything else is refused in fit."""
    with pytest.raises(ValueError, match=message):
        MLSTMFCNClassifier(**with_recipe(parameters)).fit(basic_motions.X_train, basic_motions.y_train)


@pytest.mark.parametrize("channels", [1, 5])
def test_predicting_series_with_another_number_of_channels(channels, fitted, basic_motions):
    with pytest.raises(ValueError, match=f"X must have 6 channels, as in fit. Received: channels={channels}"):
        fitted.predict(basic_motions.X_test[:, :channels])


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
def test_predicting_before_fit_raises_the_error_of_both_libraries(method, basic_motions):
    arguments = [basic_motions.X_test] + [basic_motions.y_test] * (method == "score")
    for error in (SklearnNotFittedError, SktimeNotFittedError):
        with pytest.raises(error, match="This MLSTMFCNClassifier has not been fitted yet"):
            getattr(MLSTMFCNClassifier(), method)(*arguments)


def objects(X):
    cells = np.empty(X.shape[:2], dtype=object)
    for place in np.ndindex(cells.shape):
        cells[place] = X[place]
    return cells


NO_SERIES = [
    (lambda X: X[0, 0], r"one series \(time,\) is X\[None, None\]"),
    (lambda X: X[..., None], r"must be \(cases, channels, time\) or \(cases, time\)"),
    (objects, r"as many for each channel: give an array \(channels, time\) for each case"),
    (lambda X: np.where(np.arange(100) == 3, "x", X.astype(object)), "must hold numbers alone"),
    (lambda X: X.astype(str), r"text that is numbers becomes them by `X.astype\(float\)`"),
    (lambda X: pd.DataFrame({"who": ["me"] * 40}), r"leave out columns of text.*columns=\['who'\]"),
    (lambda X: X.astype("datetime64[s]"), "turn dates into numbers"),
    (lambda X: X + 1j, "complex ones into two channels"),
    (lambda X: "series.csv", "must be an array"),
    (lambda X: {"series": X}, "must be an array"),
    (lambda X: [{"series": case} for case in X], "must be an array"),
    (lambda X: {1.0, 2.0}, "must be an array"),
    (lambda X: sparse.csr_matrix(X[:, 0]), "must be an array"),
]


@pytest.mark.parametrize(("series", "message"), NO_SERIES)
def test_what_is_no_series_is_told_in_fit_and_predict(series, message, fitted, basic_motions):
    X = series(basic_motions.X_train)
    for call in (
        lambda: MLSTMFCNClassifier(**SMALL).fit(X, basic_motions.y_train),
        lambda: fitted.predict(X),
    ):
        with pytest.raises(ValueError, match=message) as told:
            call()
        assert len(str(told.value).split(" Received: ")[0]) < 200  # a sentence or two


def test_one_series_alone_and_turned_series_are_told(fitted, basic_motions):
    X, y = basic_motions.X_train, basic_motions.y_train
    for call in (lambda: MLSTMFCNClassifier(**SMALL).fit(X[0], y[:1]), lambda: fitted.predict(X[0])):
        with pytest.raises(ValueError, match=r"If X is one series \(channels, time\), give \[X\]"):
            call()
    turned = X.transpose(0, 2, 1)
    with pytest.warns(UserWarning, match=r"give `X.transpose\(0, 2, 1\)` here and in `predict`"):
        MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1}).fit(turned, y)
    with pytest.raises(ValueError, match=r"are \(time, channels\), give np.swapaxes\(X, 1, 2\)"):
        fitted.predict(turned)
    with pytest.raises(ValueError, match=r"give \[x.T for x in X\]"):
        fitted.predict([case.T[: 50 + number] for number, case in enumerate(X)])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ("label", "a target for each case, such as a list; not a name. Received: y='label'"),
        (3, "a target for each case, such as a list"),
        (None, "a target for each case, such as a list"),
        (np.zeros((40, 2, 2)), r"must be \(cases,\) or \(cases, outputs\)"),
        (np.ones(40) * 1j, "give the parts of complex numbers as two columns"),
        (np.zeros(40, [("a", int)]), "must hold labels or real numbers"),
    ],
)
def test_what_is_no_target_is_told(y, message, basic_motions):
    for kind in (MLSTMFCNClassifier, MLSTMFCNRegressor):
        with pytest.raises(ValueError, match=message):
            kind(**SMALL).fit(basic_motions.X_train, y)


@pytest.mark.parametrize("y", [np.arange(40).astype("datetime64[D]"), np.array(["a", "b"] * 20)])
def test_a_regressor_says_that_labels_and_dates_are_no_numbers(y, basic_motions):
    with pytest.raises(ValueError, match="use a classifier for labels, and turn dates into numbers"):
        MLSTMFCNRegressor(**SMALL).fit(basic_motions.X_train, y)


def test_an_unknown_column_is_told_with_the_nearest_one():
    frame = pd.DataFrame({"walk": [0, 0, 1, 1], "second": [0, 1, 0, 1], "x": 1.0, "gait": list("aabb")})
    with pytest.raises(ValueError, match=r"one of the columns.*Did you mean 'walk'\? Received: case='wlak'"):
        datasets.from_long(frame, case="wlak", time="second", label="gait")
