"""Scaling is inside the model, by the training cases, in any unit."""

import numpy as np
import pandas as pd
import pytest

from mlstm_fcn import channel_statistics
from mlstm_fcn.fitting import doubts
from mlstm_fcn.layers import StandardizeSeries
from tests.quick_fit import fit


@pytest.fixture(scope="module")
def data(basic_motions):
    return basic_motions.X_train, basic_motions.y_train


@pytest.mark.parametrize("scaling", ["channel", "series", None])
def test_scaling_is_inside_the_model(scaling, data):
    classifier = fit(data, scaling=scaling)
    series = np.swapaxes(data[0], 1, 2).astype("float32")
    scaled = np.asarray(classifier.model_.get_layer("preprocessor")(series))
    if scaling == "channel":
        expected = (series - series.mean(axis=(0, 1))) / series.std(axis=(0, 1))
    elif scaling == "series":
        expected = (series - series.mean(axis=1, keepdims=True)) / series.std(axis=1, keepdims=True)
    else:
        expected = series
    np.testing.assert_allclose(scaled, expected, atol=2e-3)


def test_scaling_each_series_makes_its_level_and_size_irrelevant(data, basic_motions, rng):
    classifier = fit(data, scaling="series")
    X = basic_motions.X_test
    changed = X * rng.uniform(0.5, 2, size=(40, 6, 1)) + rng.normal(size=(40, 6, 1))
    np.testing.assert_allclose(classifier.predict_proba(changed), classifier.predict_proba(X), atol=1e-3)


def test_scaling_uses_training_cases_only(data, monkeypatch):
    """Cases that are held back for validation do not enter the statistics."""
    from mlstm_fcn.fitting import prepare

    chosen = []
    split = prepare._split
    monkeypatch.setattr(prepare, "_split", lambda *given: chosen.append(split(*given)) or chosen[0])
    classifier = fit(data, validation_split=0.5)
    scaling = classifier.model_.get_layer("preprocessor").get_layer("scaling")
    X = data[0][chosen[0][0]]
    np.testing.assert_allclose(scaling.mean, X.mean(axis=(0, 2)), rtol=1e-5)
    np.testing.assert_allclose(scaling.std, X.std(axis=(0, 2)), rtol=1e-5)


@pytest.mark.parametrize("scaling", ["channel", "series"])
@pytest.mark.parametrize("unit", [1e-20, 1e20])
def test_the_unit_of_the_data_does_not_matter(scaling, unit, data):
    """Magnetic fields of the brain are of the order of 1e-13 tesla."""
    plain, scaled = (fit((data[0] * factor, data[1]), scaling=scaling) for factor in (1, unit))
    series = np.swapaxes(data[0], 1, 2)
    outputs = [
        classifier.model_.get_layer("preprocessor")((series * factor).astype("float32"))
        for classifier, factor in ((plain, 1), (scaled, unit))
    ]
    np.testing.assert_allclose(outputs[1], outputs[0], atol=1e-3)


@pytest.mark.parametrize("level", [0.1, -7.3, 12345.678])
def test_a_constant_series_is_zero_whatever_its_rounding(level):
    """The mean of equal numbers in float32 is another number."""
    series = np.full((1, 37, 1), level, np.float32)
    series[0, 5] = np.nan
    scaled = np.asarray(StandardizeSeries()(series))[0, :, 0]
    assert np.isnan(scaled[5])
    assert (np.delete(scaled, 5) == 0).all()


def test_statistics_are_the_same_in_parts_as_at_once(rng, monkeypatch):
    batch = (5 + rng.normal(size=(7, 10, 3))).astype("float32")
    batch[2, 4:, 1] = np.nan
    monkeypatch.setattr(channel_statistics, "_BLOCK", 2 * batch[0].size)  # the last part has one case
    mean, std = channel_statistics.channel_statistics([batch])
    np.testing.assert_allclose(mean, np.nanmean(batch, axis=(0, 1), dtype="float64"), rtol=1e-6)
    np.testing.assert_allclose(std, np.nanstd(batch, axis=(0, 1), dtype="float64"), rtol=1e-6)


def test_a_channel_that_varies_by_a_rounding_error_of_float32_counts_as_constant():
    """Else the error is scaled to the size of a signal."""
    seven = np.float32(7.3)
    batch = np.tile(np.array([seven, np.nextafter(seven, np.float32(8))]), (5, 4))[..., None]
    mean, std = channel_statistics.channel_statistics([batch])
    assert mean == pytest.approx(7.3)
    assert std.tolist() == [0]


def test_a_channel_far_from_zero_is_warned_of(data):
    """Seconds since 1970 differ by less than float32 can tell, and look constant."""
    X, y = data
    seconds = np.broadcast_to(1.7e9 + 0.1 * np.arange(X.shape[2]), (len(X), 1, X.shape[2]))
    frames = [pd.DataFrame(case.T) for case in np.concatenate([X, seconds], axis=1)]
    for series in (np.concatenate([X, seconds], axis=1), frames):
        with pytest.warns(UserWarning, match=r"channel 6, from 1700000000.0 to 1700000009.9; subtract"):
            doubts.warn_of_coarse_channels(series)
    constant, coarse = r"constant or missing.*\[6\]", "differences in channel 6"
    with pytest.warns(UserWarning, match=constant), pytest.warns(UserWarning, match=coarse):
        fit((np.concatenate([X, seconds], axis=1), y))


@pytest.mark.parametrize(("steps", "warned"), [(2100, False), (2000, True)])
def test_a_channel_is_warned_of_that_float32_resolves_into_some_two_thousand_values(steps, warned, recwarn):
    """Its range over its largest value: float32 has 2 ** 24 steps up to there, of which 2 ** 11 are 2048."""
    largest = 5.0
    doubts.warn_of_coarse_channels(np.array([[[largest, largest * (1 - steps / 2**24)]]]))
    assert bool(recwarn.list) == warned


def test_a_channel_that_is_constant_missing_or_merely_offset_is_not_warned_of(data, recwarn):
    X = data[0].copy()
    X[:, 0], X[:, 1], X[:, 2] = 1e9, np.nan, 1000 + X[:, 2]
    doubts.warn_of_coarse_channels(X)
    whole = np.array([[[-32761, 32766, 5]]])
    for dtype in (np.int16, np.bool_, np.uint8):
        doubts.warn_of_coarse_channels(whole.astype(dtype))
    assert not recwarn.list
