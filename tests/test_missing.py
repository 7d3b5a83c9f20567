"""Filling in and scaling inside the graph equal NumPy's way."""

import numpy as np
import pytest

from mlstm_fcn.channel_statistics import channel_statistics
from mlstm_fcn.layers import FillMissing, StandardizeSeries
from mlstm_fcn.layers.missing import valid_steps
from mlstm_fcn.preprocess import lengths


@pytest.fixture
def holes(rng):
    x = rng.normal(size=(6, 30, 4)).astype("float32")
    x[rng.random(x.shape) < 0.5] = np.nan
    x[0, :, 1] = np.nan  # never there
    x[1, :, 2] = np.nan
    x[1, 17, 2] = 5  # there once
    x[2, 11:] = np.nan  # ends early
    x[3, :4] = np.nan  # starts late
    return x


def test_interpolation_equals_numpys(holes):
    filled = np.asarray(FillMissing("interpolate")(holes))
    for case in range(6):
        for channel in range(4):
            there = np.flatnonzero(~np.isnan(holes[case, :, channel]))
            expected = (
                np.interp(np.arange(30), there, holes[case, there, channel]) if len(there) else np.zeros(30)
            )
            np.testing.assert_allclose(filled[case, :, channel], expected, atol=1e-5)


def test_values_that_are_there_stay_to_the_bit(holes):
    for method in ("interpolate", "zero"):
        filled = np.asarray(FillMissing(method)(holes))
        there = ~np.isnan(holes)
        np.testing.assert_array_equal(filled[there], holes[there])
        if method == "zero":
            assert (filled[~there] == 0).all()


def test_valid_steps_end_with_the_last_value(holes):
    mask = np.asarray(valid_steps(holes))
    expected = np.zeros((6, 30), bool)
    for case, length in enumerate(lengths(holes)):
        expected[case, :length] = True
    np.testing.assert_array_equal(mask, expected)
    assert lengths(holes)[2] <= 11
    assert mask[3, :4].all()  # what is missing before the first value is no padding


def test_standardised_series_have_mean_0_and_deviation_1_over_their_values(holes):
    scaled = np.asarray(StandardizeSeries()(holes * 100 + 1000))
    assert (np.isnan(scaled) == np.isnan(holes)).all()
    with np.errstate(invalid="ignore"):
        for case in range(6):
            for channel in range(4):
                values = scaled[case, ~np.isnan(scaled[case, :, channel]), channel]
                if len(values) > 1:
                    np.testing.assert_allclose(values.mean(), 0, atol=1e-3)
                    np.testing.assert_allclose(values.std(), 1, atol=1e-3)
                else:
                    assert (values == 0).all()


def test_channel_statistics_are_those_of_the_values_that_are_there(holes):
    mean, std = channel_statistics([holes * [1, 10, 100, 1] + [0, 5, 0, 1e4]])
    values = (holes * [1, 10, 100, 1] + [0, 5, 0, 1e4]).astype(np.float64)
    np.testing.assert_allclose(mean, np.nanmean(values, axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(std, np.nanstd(values, axis=(0, 1)), rtol=1e-4)


def test_constant_and_absent_channels_have_no_deviation():
    x = np.ones((3, 4, 2)) * [7.3, np.nan]
    mean, std = channel_statistics([x])
    np.testing.assert_allclose(mean, [7.3, 0])
    np.testing.assert_array_equal(std, [0, 0])
