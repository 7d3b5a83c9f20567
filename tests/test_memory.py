"""A fit holds its series once: not as given, raw, scaled and as the backend's all at the same time."""

import tracemalloc

import numpy as np
import pytest

from mlstm_fcn import engine
from mlstm_fcn._arrays import aligned, is_aligned
from mlstm_fcn.preprocess import to_batch
from tests.quick_fit import fit


def test_the_peak_of_a_fit_is_below_one_and_a_half_times_its_series():
    X = np.random.default_rng(0).normal(size=(2000, 2, 2000)).astype(np.float32)
    y = np.arange(2000) % 2
    options = {"n_epochs": 1, "batch_size": 500, "filters": (1,), "kernel_sizes": (1,)}
    fit((X[:100], y[:100]), **options)  # what the libraries need anyhow
    tracemalloc.start()
    try:
        fit((X, y), **options)
        assert tracemalloc.get_traced_memory()[1] / X.nbytes < 1.5
    finally:
        tracemalloc.stop()


def test_tensorflow_uses_large_arrays_where_they_are():
    array = aligned((1024, 1024))
    array[:] = 1.0
    (shared,) = engine.current().place([array])
    assert np.shares_memory(np.asarray(memoryview(shared)), array)
    for other in (array[:, 1:], array[:8], array.astype(np.float64)):
        (copied,) = engine.current().place([other])
        assert not np.shares_memory(np.asarray(memoryview(copied)), array)
        np.testing.assert_array_equal(copied, other)


@pytest.mark.parametrize("shape", [(3, 5, 2), (1, 1, 1)])
def test_arrays_for_backends_begin_where_these_can_use_them(shape):
    array = aligned(shape)
    assert array.shape == shape
    assert array.dtype == np.float32
    assert is_aligned(array)
    assert not is_aligned(aligned((16, 16))[:, 1:])


@pytest.mark.parametrize("channels", [1, 2])
def test_scaling_in_place_leaves_the_series_of_the_user_as_they_are(channels):
    """Also of one channel, whose transpose is the same memory."""
    X = np.random.default_rng(0).normal(5, 3, size=(12, channels, 20)).astype(np.float32)
    before = X.copy()
    fit((X, np.arange(12) % 2), None, X[:4], np.arange(4) % 2)
    np.testing.assert_array_equal(X, before)
    assert not np.shares_memory(to_batch(X), X)


def test_infinite_values_that_cancel_each_other_are_seen():
    X = np.ones((4, 1, 6), np.float32)
    X[1, 0, 2], X[2, 0, 3] = np.inf, -np.inf
    with pytest.raises(ValueError, match=r"must be finite.*2 are not.*X\[1, 0, 2\]=inf"):
        to_batch(X)
    assert np.isfinite(to_batch(np.full((4, 1, 6), 3e38, np.float32))).all()
