"""Series of different lengths and missing values: exactly what is promised, on real data."""

import warnings

import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, datasets
from mlstm_fcn.fitting import fitted as fitted_networks
from mlstm_fcn.fitting import members
from mlstm_fcn.models.pipeline import split
from tests import quick_fit

SMALL = {**quick_fit.SMALL, "filters": (8, 8), "kernel_sizes": (5, 3), "n_epochs": 2, "batch_size": 32}
"""Two blocks: squeeze-and-excitation follows the first."""


@pytest.fixture(scope="module")
def vowels():
    problem = datasets.load("JapaneseVowels")
    return problem.X_train[::3], problem.y_train[::3], problem.X_test[::10], problem.y_test[::10]


@pytest.fixture(scope="module", params=[True, False], ids=["shuffled", "in time"])
def fitted(request, vowels):
    classifier = MLSTMFCNClassifier(**SMALL, dimension_shuffle=request.param, on_longer="cut")
    return classifier.fit(*vowels[:2])


def test_the_default_learns_from_series_of_different_lengths():
    problem = datasets.load("JapaneseVowels")
    classifier = MLSTMFCNClassifier(n_epochs=12, random_state=0, on_longer="cut")
    classifier.fit(problem.X_train, problem.y_train)
    assert classifier.score(problem.X_test, problem.y_test) > 0.95


def test_a_series_is_predicted_the_same_alone_and_in_any_batch(fitted, vowels):
    X = vowels[2]
    together = fitted.predict_proba(X)
    assert len({case.shape[1] for case in X}) > 5
    for case, probabilities in zip(X, together, strict=True):
        np.testing.assert_allclose(fitted.predict_proba([case])[0], probabilities, atol=1e-5)
        np.testing.assert_allclose(fitted.predict_proba(case[None])[0], probabilities, atol=1e-5)


def test_an_array_padded_with_nan_is_a_list(fitted, vowels):
    X = vowels[2]
    padded = np.full((len(X), 12, 40), np.nan)
    for row, case in zip(padded, X, strict=True):
        row[:, : case.shape[1]] = case
    np.testing.assert_allclose(fitted.predict_proba(padded), fitted.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("mtype", ["nested_univ", "pd-multiindex", "df-list"])
def test_any_container_of_sktime_gives_the_same_network(mtype, vowels):
    from sktime.datatypes import convert

    X, y, X_test, _ = vowels
    frames = [convert_to_frame(case) for case in X]
    test_frames = [convert_to_frame(case) for case in X_test]
    expected = MLSTMFCNClassifier(**SMALL, on_longer="cut").fit(X, y).predict_proba(X_test)
    classifier = MLSTMFCNClassifier(**SMALL, on_longer="cut").fit(convert(frames, "df-list", mtype), y)
    np.testing.assert_allclose(
        classifier.predict_proba(convert(test_frames, "df-list", mtype)), expected, atol=1e-6
    )


def convert_to_frame(case):
    import pandas as pd

    return pd.DataFrame(case.T, columns=[f"channel_{number}" for number in range(len(case))])


def test_equal_training_lengths_leave_shorter_series_exact(basic_motions):
    """The network saw no mask in training; a shorter series is predicted as if it had."""
    classifier = MLSTMFCNClassifier(**SMALL).fit(basic_motions.X_train, basic_motions.y_train)
    short = basic_motions.X_test[:4, :, :60]
    mixed = [*short, *basic_motions.X_test[4:8]]
    expected = np.concatenate(
        [classifier.predict_proba(short), classifier.predict_proba(basic_motions.X_test[4:8])]
    )
    np.testing.assert_allclose(classifier.predict_proba(mixed), expected, atol=1e-5)
    zero_padded = np.pad(short, ((0, 0), (0, 0), (0, 40)))
    assert np.abs(classifier.predict_proba(zero_padded) - expected[:4]).max() > 1e-3


def test_longer_series_are_an_error_or_cut_where_the_length_is_fixed(vowels):
    X, y, _, _ = vowels
    classifier = MLSTMFCNClassifier(**SMALL, on_longer="error").fit(X, y)
    longest = max(case.shape[1] for case in X)
    assert classifier.model_.input_shape == (None, longest, 12)
    long = np.concatenate([X[0], X[0], X[0], X[0]], axis=1)
    with pytest.raises(ValueError, match=f"must not be longer than {longest} steps.*on_longer='cut'"):
        classifier.predict([long])
    expected = classifier.predict_proba([long[:, :longest]])
    classifier.on_longer = "cut"
    with warnings.catch_warnings(action="error", category=UserWarning):
        np.testing.assert_allclose(classifier.predict_proba([long]), expected, atol=1e-6)
    classifier.on_longer = MLSTMFCNClassifier().on_longer
    with pytest.warns(
        UserWarning, match=rf"up to {long.shape[1]} steps are cut to {longest}, the longest length in fit"
    ):
        np.testing.assert_allclose(classifier.predict_proba([long]), expected, atol=1e-6)


def test_a_validation_set_alone_may_have_shorter_series(basic_motions, monkeypatch):
    """They are masked, so a network that was built for whole series would not read them as they are."""
    seen = []

    def note(network, examples, recipe, *, history, validation, **others):
        history["loss"] = [0.0]
        seen.extend((examples, validation))

    monkeypatch.setattr(members, "train", note)
    monkeypatch.setattr(fitted_networks, "_LARGE", 1)  # the training set needs no filling in
    X, y = basic_motions.X_train, basic_motions.y_train
    classifier = MLSTMFCNClassifier(**SMALL).fit(
        X, y, X_val=[case[:, :60] for case in X[::10]], y_val=y[::10]
    )
    assert classifier.fitted_.takes_mask
    of_training, of_validation = (dataset.inputs[1].sum(axis=1) for dataset in seen)
    assert set(of_training) == {100}
    assert set(of_validation) == {60}


def test_without_shuffle_any_length_goes(vowels):
    X, y, _, _ = vowels
    classifier = MLSTMFCNClassifier(**SMALL, dimension_shuffle=False).fit(X, y)
    assert classifier.model_.input_shape == (None, None, 12)
    long = np.concatenate([X[0], X[0], X[0]], axis=1)
    probabilities = classifier.predict_proba([long, X[1]])
    np.testing.assert_allclose(classifier.predict_proba([long])[0], probabilities[0], atol=1e-5)


def scaled_and_filled(X, scaling, missing):
    """What the preprocessor should give, channel by channel in float64."""
    axes = {"channel": (0, 2), "series": 2}
    if scaling:
        mean, std = (of(X, axis=axes[scaling], keepdims=True) for of in (np.nanmean, np.nanstd))
        X = (X - mean) / std
    if missing == "zero":
        return np.nan_to_num(X)
    steps, filled = np.arange(X.shape[2]), X.copy()
    for channel in filled.reshape(-1, X.shape[2]):
        there = ~np.isnan(channel)
        channel[:] = np.interp(steps, steps[there], channel[there])
    return filled


@pytest.mark.parametrize("missing", ["interpolate", "zero"])
@pytest.mark.parametrize("scaling", ["channel", "series", None])
def test_missing_values_are_filled_inside_the_model(missing, scaling, basic_motions, rng):
    holes = np.where(rng.random(basic_motions.X_train.shape) < 0.2, np.nan, basic_motions.X_train)
    classifier = MLSTMFCNClassifier(**{**SMALL, "batch_size": 8}, missing=missing, scaling=scaling)
    classifier.fit(holes, basic_motions.y_train)
    probabilities = classifier.predict_proba(holes)
    network = split(classifier.model_)[1]
    filled = np.swapaxes(scaled_and_filled(holes, scaling, missing), 1, 2)
    np.testing.assert_allclose(network(filled.astype("float32")), probabilities, atol=1e-4)
    raw = classifier.model_.predict(np.swapaxes(holes, 1, 2).astype("float32"), verbose=0)
    np.testing.assert_allclose(raw, probabilities, atol=1e-6)


@pytest.mark.slow
def test_interpolation_beats_zeros_on_motions_that_are_mostly_missing(basic_motions, rng):
    """What one can see of the policy in accuracy: a network trained on whole series, tested on holes."""
    holes = np.where(rng.random(basic_motions.X_test.shape) < 0.75, np.nan, basic_motions.X_test)
    accuracy = {}
    for missing in ("interpolate", "zero"):
        classifier = MLSTMFCNClassifier(n_epochs=30, random_state=0, missing=missing)
        classifier.fit(basic_motions.X_train, basic_motions.y_train)
        accuracy[missing] = classifier.score(holes, basic_motions.y_test)
    assert accuracy["interpolate"] > accuracy["zero"]


def test_missing_as_an_error_names_the_place_but_padding_is_none(basic_motions):
    classifier = MLSTMFCNClassifier(**SMALL, missing="error")
    X = basic_motions.X_train.copy()
    X[5, :, 90:] = np.nan
    classifier.fit(X, basic_motions.y_train)
    X[7, 2, 30] = np.nan
    for call in (lambda: classifier.predict(X), lambda: classifier.fit(X, basic_motions.y_train)):
        with pytest.raises(ValueError, match=r"missing='error'. Received: X\[7, 2, 30\]=nan"):
            call()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([np.zeros((3, 5)), np.zeros((2, 5))], "All series must have 3 channels, as the first.*case=1"),
        ([np.zeros((3, 5)), np.zeros((3, 5, 1))], r"Each series must be \(channels, time\).*case=1"),
        ([np.zeros((3, 5)), np.full((3, 5), np.nan)], r"Every series must hold a value.*cases=\[1\]"),
    ],
)
def test_series_that_do_not_fit_together(X, message):
    with pytest.raises(ValueError, match=message):
        MLSTMFCNClassifier(**SMALL).fit(X, ["a", "b"])


def test_where_nothing_is_missing_nothing_is_filled_in(monkeypatch, basic_motions):
    """With as many values as it takes; here, any number."""
    X, y = basic_motions.X_train, basic_motions.y_train
    usual = MLSTMFCNClassifier(**SMALL).fit(X, y)
    expected = usual.predict_proba(X)
    monkeypatch.setattr(fitted_networks, "_LARGE", 1)
    quick = MLSTMFCNClassifier(**SMALL).fit(X, y)
    np.testing.assert_allclose(quick.predict_proba(X), expected, atol=1e-6)
    model, _ = quick.fitted_.model_for(X)
    assert [layer.name for layer in split(model)[0].layers] == ["raw_series", "scaling"]
    gaps = X.copy()
    gaps[0, 1, 3] = np.nan
    np.testing.assert_allclose(quick.predict_proba(gaps), usual.predict_proba(gaps), atol=1e-6)
