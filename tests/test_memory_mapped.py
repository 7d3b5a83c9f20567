"""Large memory-mapped series are read a few at a time, and nothing else is different."""

import subprocess
import sys

import numpy as np
import pytest

from mlstm_fcn import engine, memmap
from mlstm_fcn.channel_statistics import channel_statistics
from mlstm_fcn.fitting.inputs import InputPolicy
from mlstm_fcn.fitting.prepare import as_members_read
from mlstm_fcn.memmap import MemmapSeries
from mlstm_fcn.preprocess import to_batch
from mlstm_fcn.training.dataset import BatchSource, Dataset
from tests.quick_fit import SMALL, assert_same, differ, fit

X = np.random.default_rng(0).normal(size=(20, 3, 12)).astype(np.float32)
y = np.array(["a", "b"] * 10)


@pytest.fixture
def in_file(tmp_path, monkeypatch):
    """A function from an array to the same in a file, which counts as very large."""
    monkeypatch.setattr(memmap, "LARGE", 0)
    monkeypatch.setattr(memmap, "_KEPT", 0)
    monkeypatch.setattr(memmap, "_CHUNK", 1000)  # six series

    def write(array, mode="r"):
        np.save(tmp_path / "X.npy", array)
        return np.load(tmp_path / "X.npy", mmap_mode=mode)

    return write


def test_a_fit_gives_the_same_as_in_memory(in_file):
    one, other = fit((X, y)), fit((in_file(X), y))
    assert one.history_["loss"] == pytest.approx(other.history_["loss"], rel=1e-5)
    for old, new in zip(one.model_.get_weights(), other.model_.get_weights(), strict=True):
        np.testing.assert_allclose(old, new, atol=1e-5)
    np.testing.assert_allclose(other.predict_proba(in_file(X)), one.predict_proba(X), atol=1e-5)
    assert other.predict(X).dtype == y.dtype


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X[:, 0],
        lambda X: np.where(np.arange(12) < 9, X, np.nan)[[0, 1, 2, 3] * 5],
        lambda X: np.where((np.arange(20)[:, None, None] < 6) & (np.arange(12) > 6), np.nan, X),
        lambda X: np.where(np.arange(12) == 3, np.nan, X),
        lambda X: (100 * X).astype(np.int16),
    ],
    ids=["one channel", "padded", "different lengths", "missing", "integers"],
)
def test_shapes_and_values_that_fit_takes_it_takes_from_a_file(in_file, change):
    series = change(X)
    one, other = fit((series, y)), fit((in_file(series), y))
    expected = one.predict_proba(series)
    assert np.ptp(expected[:, 0]) > 1e-2
    for classifier in (one, other):
        np.testing.assert_allclose(classifier.predict_proba(in_file(series)), expected, atol=1e-4)


def test_validation_weights_and_checkpoints_work(in_file, tmp_path):
    large = in_file(X)
    held_back = [fit((series, y), validation_split=0.3) for series in (large, X)]
    given = [fit((series, y), None, series, y) for series in (large, X)]
    for one, other in (held_back, given):
        assert one.history_["val_loss"] == pytest.approx(other.history_["val_loss"], rel=1e-4)
    assert differ(fit((large, y), np.r_[np.ones(10), np.zeros(10)]), fit((large, y)))
    assert_same(fit((large, y), checkpoint=tmp_path / "state"), fit((large, y)))
    assert_same(fit((large, y)).partial_fit(X, y), fit((large, y)).partial_fit(large, y))


def test_bad_series_are_refused_as_in_memory(in_file):
    infinite = X.copy()
    infinite[17, 1, 5] = np.inf
    with pytest.raises(ValueError, match=r"must be finite.*X\[17, 1, 5\]=inf"):
        fit((in_file(infinite), y))
    with pytest.raises(ValueError, match="the same number of cases"):
        fit((in_file(X), y[1:]))
    with pytest.raises(ValueError, match=r"require one column of `y`, or columns.*Received: shape=\(20, 2\)"):
        fit((in_file(X), np.stack([y, y], axis=1)))
    with pytest.raises(ValueError, match="must have 3 channels"):
        fit((X, y)).predict(in_file(X[:, :2]))
    missing = np.where(np.isinf(infinite), np.nan, X)
    with pytest.raises(ValueError, match=r"No value of X may be missing.*X\[17, 1, 5\]=nan"):
        fit((in_file(missing), y), missing="error")


def test_padding_of_all_series_is_no_part_of_their_length(in_file):
    longer = in_file(np.pad(X, ((0, 0), (0, 0), (0, 3)), constant_values=np.nan))
    assert fit((longer, y)).model_.input_shape == fit((X, y)).model_.input_shape == (None, 12, 3)
    np.testing.assert_allclose(fit((X, y)).predict_proba(longer), fit((X, y)).predict_proba(X), atol=1e-5)


def test_files_that_every_batch_would_read_whole_are_refused(in_file, tmp_path):
    in_file(X)
    np.save(tmp_path / "F.npy", np.asfortranarray(X))
    with pytest.raises(ValueError, match="one series after the other"):
        fit((np.load(tmp_path / "F.npy", mmap_mode="r"), y))
    with pytest.raises(ValueError, match=r"X must be \(cases, channels, time\)"):
        fit((X, y)).predict(in_file(X[..., None]))


def test_changes_in_memory_are_not_lost(in_file):
    mine = in_file(X, mode="c")
    mine[:] += 1
    list(MemmapSeries(mine).chunks())
    np.testing.assert_array_equal(mine, X + 1)


def test_statistics_do_not_depend_on_chunks(in_file):
    series = MemmapSeries(in_file(X))
    assert len(list(series.chunks())) == 4
    whole, parts = (channel_statistics(chunks) for chunks in ([to_batch(X)], series.chunks()))
    np.testing.assert_allclose(whole, parts, rtol=1e-6)


PEAK = """
import resource, sys
import numpy as np
from mlstm_fcn import MLSTMFCNClassifier, memmap
memmap._KEPT = 0  # as if the file were larger
X, y = np.load(sys.argv[1], mmap_mode="r"), np.arange(6400) % 2
fit = MLSTMFCNClassifier({options}).fit
fit(X[:64], y[:64])  # what the libraries need anyhow
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
fit(X, y)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_a_file_is_never_in_memory_as_a_whole(tmp_path):
    """400 MB of zeros, which take no room on most disks, and two classes that are the same."""
    path = tmp_path / "X.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(6400, 128, 128))
    options = {**SMALL, "n_epochs": 1, "batch_size": 64}
    code = PEAK.format(options=f"**{options}")
    grown = int(subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True).stdout)
    assert grown < 300


@pytest.fixture
def sizes(monkeypatch):
    """The number of cases of each read of training."""
    found, read = [], BatchSource.read
    monkeypatch.setattr(
        BatchSource, "read", lambda self, cases: found.append(len(cases)) or read(self, cases)
    )
    return found


def test_small_batches_are_read_together_and_trained_on_one_by_one(in_file, sizes, monkeypatch):
    together = fit((in_file(X), y), n_epochs=2, learning_rate=0.1)
    assert sizes == [20, 20]  # of three batches
    monkeypatch.setattr("mlstm_fcn.training.dataset._AT_ONCE", 16 * X[0].size)
    two = fit((in_file(X), y), n_epochs=2, learning_rate=0.1)
    assert sizes[2:] == [14, 6] * 2
    monkeypatch.setattr("mlstm_fcn.training.dataset._AT_ONCE", 1)
    alone = fit((in_file(X), y), n_epochs=2, learning_rate=0.1)
    assert sizes[6:] == [7, 7, 6] * 2
    assert_same(together, alone)
    assert_same(two, alone)


def test_batches_that_change_at_random_are_read_alone(in_file, sizes):
    """What is drawn does not depend on how the file is read; mixup mixes within a batch."""
    fit((in_file(X), y), n_epochs=1, augmentation={"mixup": 0.2})
    assert sizes == [7, 7, 6]


def test_only_reads_with_gaps_are_filled_in(in_file, monkeypatch):
    """Filling in takes many times as long as scaling."""
    gap = np.where((np.arange(20)[:, None, None] == 17) & (np.arange(12) == 3), np.nan, X)
    preprocessor = InputPolicy().preprocessor(to_batch(gap))
    data = Dataset([MemmapSeries(in_file(gap))], np.zeros((20, 1)), np.ones(20))
    expected, backend, filled = preprocessor(to_batch(gap)).numpy(), engine.current(), []
    predict = backend.predict

    def noting(model, some, at_once):
        filled.append(any(layer.name == "fill_missing" for layer in model.layers))
        return predict(model, some, at_once)

    monkeypatch.setattr(backend, "predict", noting)
    read = as_members_read(preprocessor, data).read
    for cases in ([0, 1, 2], [0, 17], [18]):
        np.testing.assert_allclose(read(np.array(cases)).inputs[0], expected[cases], atol=1e-6)
    assert filled == [False, True, False]
