"""A loader trains as arrays do in its order: it is read once an epoch, and never held whole."""

import tracemalloc

import numpy as np
import pytest

from mlstm_fcn import NetworkClassifier, NetworkRegressor
from mlstm_fcn.channel_statistics import channel_statistics
from mlstm_fcn.loaders.series import LoadedSeries
from mlstm_fcn.training import dataset
from tests.loaded import (
    KINDS,
    LABELS,
    ONE_SHORT,
    RAGGED,
    RNG,
    SERIES,
    WEIGHTS,
    Loader,
    PyData,
    fitted,
    torch_data,
)
from tests.quick_fit import assert_same


@pytest.mark.parametrize("kind", KINDS)
def test_every_loader_trains_as_arrays_do_in_its_order(kind, in_order):
    expected = fitted(SERIES, LABELS, X_val=SERIES[:8], y_val=LABELS[:8])
    read = fitted(kind(SERIES, LABELS), X_val=kind(SERIES[:8], LABELS[:8]))
    assert_same(expected, read)
    for name, figures in expected.history_.items():
        assert read.history_[name] == pytest.approx(figures)
    if kind is not torch_data:
        assert read.classes_.tolist() == ["run", "sit"]
    np.testing.assert_array_equal(read.predict_proba(kind(SERIES, LABELS)), expected.predict_proba(SERIES))
    assert len(read.predict(kind(SERIES))) == 26


@pytest.mark.parametrize(
    "series",
    [RAGGED, ONE_SHORT, np.where(np.arange(12) == 4, np.nan, SERIES), SERIES[:, 0], 9 * SERIES.astype(int)],
    ids=["different lengths", "one is short", "missing", "one channel", "integers"],
)
def test_series_that_fit_takes_as_arrays_it_takes_from_a_loader(series, in_order):
    expected, read = fitted(series, LABELS), fitted(Loader(series, LABELS))
    for one, other in zip(expected.model_.get_weights(), read.model_.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    np.testing.assert_allclose(read.predict_proba(Loader(series)), read.predict_proba(series), atol=1e-6)


def test_batches_may_be_lists_of_series_of_different_lengths(in_order):
    class Lists(Loader):
        def __iter__(self):
            for X, y in super().__iter__():
                yield [case[:, ~np.isnan(case[0])] for case in np.asarray(X)], np.asarray(y)

    assert_same(fitted(Loader(RAGGED, LABELS)), fitted(Lists(RAGGED, LABELS)))


@pytest.mark.parametrize("class_weight", [None, "balanced", {"run": 1.0, "sit": 3.0}])
def test_weights_of_cases_and_classes_count(class_weight, in_order):
    weighted = {"parameters": {"class_weight": class_weight}}
    expected = fitted(SERIES, LABELS, WEIGHTS, **weighted)
    assert_same(expected, fitted(Loader(SERIES, LABELS, WEIGHTS), **weighted))
    some = np.where(np.arange(26) < 4, 0, WEIGHTS)
    assert_same(fitted(SERIES, LABELS, some, **weighted), fitted(Loader(SERIES, LABELS, some), **weighted))


@pytest.mark.parametrize(
    ("kind", "targets"),
    [
        (NetworkClassifier, (RNG.random((26, 3)) < 0.5).astype(int)),
        (NetworkClassifier, np.eye(3)[np.arange(26) % 3]),
        (NetworkRegressor, RNG.normal(size=26)),
        (NetworkRegressor, RNG.normal(size=(26, 2))),
    ],
    ids=["labels", "one-hot", "numbers", "several numbers"],
)
def test_targets_of_every_kind_come_from_loaders(kind, targets, in_order):
    expected = fitted(SERIES, targets, kind=kind)
    read = fitted(Loader(SERIES, targets), kind=kind)
    assert_same(expected, read)
    assert read.predict(Loader(SERIES)).shape == expected.predict(SERIES).shape


def test_a_loader_is_read_once_before_training_and_once_an_epoch():
    loader, data = Loader(SERIES, LABELS), PyData(SERIES, LABELS)
    fitted(loader, parameters={"n_epochs": 3})
    assert loader.passes == 1 + 3
    fitted(data, parameters={"n_epochs": 3})
    assert data.ended == 1 + 3


def test_a_loader_may_shuffle():
    class Shuffling(Loader):
        def __iter__(self):
            order = np.random.default_rng(self.passes).permutation(26)
            return iter(Loader(SERIES[order], LABELS[order]))

    steps = LoadedSeries(Shuffling(SERIES, LABELS))
    answer = {case.tobytes(): label for case, label in zip(np.swapaxes(SERIES, 1, 2), LABELS, strict=True)}
    for sizes in ([10, 10, 6], [26], [1, 25]):  # three epochs, whatever the size of batches
        assert steps.first(1)[1].tolist() == steps.survey.targets[:1].tolist()  # and does not move on
        seen = [steps.following(size) for size in sizes]
        assert [len(batch[0]) for batch in seen] == sizes
        pairs = [pair for series, y, _ in seen for pair in zip(series, y, strict=True)]
        assert len({series.tobytes() for series, _ in pairs}) == 26
        assert all(answer[series.tobytes()] == label for series, label in pairs)


def test_members_and_further_training_read_it_too(in_order):
    expected = fitted(SERIES, LABELS, parameters={"n_members": 2, "warm_start": True}).fit(SERIES, LABELS)
    loader = Loader(SERIES, LABELS)
    read = fitted(loader, parameters={"n_members": 2, "warm_start": True}).fit(loader)
    assert_same(expected.partial_fit(SERIES, LABELS), read.partial_fit(loader))
    assert_same(expected.fine_tune(SERIES, LABELS), read.fine_tune(loader))


def test_a_loader_is_never_held_whole(monkeypatch):
    monkeypatch.setattr(dataset, "_AT_ONCE", 1 << 19)  # reads of 2 MiB

    class Made(Loader):
        """Sixty batches of 1 MB that exist only when they are asked for."""

        def __len__(self):
            return 60

        def __iter__(self):
            for number in range(60):
                yield np.random.default_rng(number).normal(size=(4, 2, 1 << 14)), np.array([0, 1, 0, 1])

    small = {"network": "fcn", "network_params": {"filters": (1,), "kernel_sizes": (1,)}, "n_epochs": 1}
    tracemalloc.start()
    try:
        classifier = fitted(Made(), parameters=small)
        assert len(classifier.predict(Made())) == 240
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_statistics_of_parts_are_those_of_all_values():
    """Against NumPy's own in double precision."""
    series = np.where(RNG.random((40, 9, 4)) < 0.2, np.nan, 1e3 + RNG.normal(size=(40, 9, 4)))
    series[..., 2], series[..., 3], series[:20, :, 1] = 7.5, np.nan, np.nan
    series = series.astype(np.float32)
    mean, std = channel_statistics(np.split(series, [1, 5, 30]))
    values = [series[..., channel].astype(float) for channel in range(3)]
    np.testing.assert_allclose(mean, [*map(np.nanmean, values), 0], rtol=1e-6)
    np.testing.assert_allclose(std, [*map(np.nanstd, values), 0], rtol=1e-5, atol=1e-12)
    assert std[2] == std[3] == 0


def test_predict_takes_what_begins_once_and_has_no_length():
    classifier = fitted(SERIES, LABELS)
    batches = (SERIES[start : start + 4] for start in range(0, 26, 4))
    np.testing.assert_array_equal(classifier.predict(batches), classifier.predict(SERIES))
