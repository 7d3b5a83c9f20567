"""Arrays of other libraries are read as NumPy's are."""

import numpy as np
import pandas as pd
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


def of(library, convert, *marks):
    """A parameter that makes a library's container of values, or skips the test where it is not installed."""
    return pytest.param(
        lambda values: convert(pytest.importorskip(library), values), id=f"of_{library}", marks=marks
    )


@pytest.mark.parametrize(
    "kind",
    [
        Tensor,
        DLPack,
        of("jax", lambda jax, values: jax.numpy.asarray(values), pytest.mark.slow),  # warns of later forks
        of("tensorflow", lambda tf, values: tf.constant(values)),
        of("torch", lambda torch, values: torch.as_tensor(values)),
        of("xarray", lambda xarray, values: xarray.DataArray(values)),
        of("zarr", lambda zarr, values: zarr.array(values, chunks=(5, *values.shape[1:]))),
        np.ndarray.tolist,
    ],
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


@pytest.mark.parametrize(
    "kind",
    [
        of("polars", lambda polars, columns: polars.DataFrame(columns)),
        of("pyarrow", lambda pyarrow, columns: pyarrow.table(columns)),
    ],
)
def test_frames_of_every_library_are_read_by_name(kind):
    frames = [pd.DataFrame({"a": case[0], "b": case[1]}) for case in SERIES]
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
