"""Arrays of other libraries are read as NumPy's are."""

import numpy as np
import pytest

from mlstm_fcn._arrays import as_array
from tests.loaded import LABELS, SERIES, WEIGHTS, Tensor, fitted
from tests.quick_fit import assert_same


class DLPack:
    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **how):
        return self.values.__dlpack__(**how)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


def of_jax(values):
    return pytest.importorskip("jax").numpy.asarray(values)


OF_JAX = pytest.param(of_jax, marks=pytest.mark.slow)  # once imported, JAX warns of every fork in other tests


def of_tensorflow(values):
    return pytest.importorskip("tensorflow").constant(values)


def of_torch(values):
    return pytest.importorskip("torch").as_tensor(values)


def of_xarray(values):
    return pytest.importorskip("xarray").DataArray(values)


def of_zarr(values):
    zarr = pytest.importorskip("zarr")
    return zarr.array(values, chunks=(5, *values.shape[1:]))


@pytest.mark.parametrize(
    "kind",
    [Tensor, DLPack, OF_JAX, of_tensorflow, of_torch, of_xarray, of_zarr, np.ndarray.tolist],
)
def test_arrays_of_every_library_are_read(kind):
    numbers = np.unique(LABELS, return_inverse=True)[1]
    expected = fitted(SERIES, numbers, WEIGHTS, X_val=SERIES, y_val=numbers)
    read = fitted(kind(SERIES), kind(numbers), kind(WEIGHTS), X_val=kind(SERIES), y_val=kind(numbers))
    assert_same(expected, read)
    for X in (kind(SERIES), [kind(case) for case in SERIES]):
        np.testing.assert_array_equal(read.predict(X), expected.predict(SERIES))


def test_small_floats_of_other_libraries_are_numbers():
    half = pytest.importorskip("tensorflow").cast(SERIES, "bfloat16")
    classifier = fitted(SERIES, LABELS)
    np.testing.assert_array_equal(classifier.predict_proba(half), classifier.predict_proba(np.float32(half)))


def of_pandas(columns):
    return pytest.importorskip("pandas").DataFrame(columns)


def of_polars(columns):
    return pytest.importorskip("polars").DataFrame(columns)


def of_pyarrow(columns):
    return pytest.importorskip("pyarrow").table(columns)


@pytest.mark.parametrize("kind", [of_polars, of_pyarrow])
def test_frames_of_every_library_are_read_by_name(kind):
    frames = [of_pandas({"a": case[0], "b": case[1]}) for case in SERIES]
    others = [kind({"a": case[0], "b": case[1]}) for case in SERIES]
    turned = [kind({"b": case[1], "a": case[0]}) for case in SERIES]
    expected, read = fitted(frames, LABELS), fitted(others, LABELS)
    assert_same(expected, read)
    for X in (others, turned):
        np.testing.assert_array_equal(read.predict_proba(X), expected.predict_proba(frames))
    with pytest.raises(ValueError, match=r"names that they had in fit.*missing=\['b'\], new=\['c'\]"):
        read.predict([kind({"a": case[0], "c": case[1]}) for case in SERIES])
    with pytest.raises(ValueError, match=r"X must hold numbers; leave out columns of text"):
        read.predict([kind({"a": ["x", "y"], "b": ["x", "y"]})])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1, 2, 9]), [1, 2, np.nan]),
        (np.array([1, 2, 9], np.float32), np.array([1, 2, np.nan], np.float32)),
        (np.array(["run", "sit", "no"]), np.array(["run", "sit", None])),
    ],
)
def test_masked_values_are_missing(values, expected):
    masked = np.ma.masked_array(values, mask=[False, False, True])
    assert as_array(masked).dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(as_array(masked), expected)
    plain = as_array(np.ma.masked_array(values))
    assert type(plain) is np.ndarray
    np.testing.assert_array_equal(plain, values)


def test_masked_targets_and_weights_are_refused():
    hidden = np.arange(26) == 3
    with pytest.raises(ValueError, match=r"Every case must have a target.*cases_without_one=\[3\]"):
        fitted(SERIES, np.ma.masked_array(LABELS, mask=hidden))
    with pytest.raises(ValueError, match="must be 26 finite numbers"):
        fitted(SERIES, LABELS, np.ma.masked_array(WEIGHTS, mask=hidden))
