"""Loaders give batches in their own order: they are read once an epoch, and never held whole."""

import tracemalloc

import keras
import numpy as np
import pytest

from mlstm_fcn import NetworkClassifier, NetworkRegressor, explain
from mlstm_fcn.channel_statistics import RunningStatistics, channel_statistics
from mlstm_fcn.loaders import Sampled
from mlstm_fcn.loaders.series import LoadedSeries, is_loader
from mlstm_fcn.training import loop
from tests.quick_fit import assert_same

SMALL = {
    "network": "lstm_fcn",
    "network_params": {"filters": (4,), "kernel_sizes": (3,), "lstm_units": 2},
    "n_epochs": 2,
    "batch_size": 6,
    "random_state": 0,
}
RNG = np.random.default_rng(0)
SERIES = 5 + 3 * RNG.normal(size=(26, 2, 12)).astype(np.float32)
LABELS = np.array(["run", "sit"])[(RNG.random(26) < 0.4).astype(int)]
WEIGHTS = RNG.random(26)
RAGGED = np.where(np.arange(12) < RNG.integers(6, 12, size=(26, 1, 1)), SERIES, np.nan)
ONE_SHORT = np.where((np.arange(26)[:, None, None] == 3) & (np.arange(12) > 6), np.nan, SERIES)


class Tensor:
    """As a tensor of another library."""

    def __init__(self, values):
        self._values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._values, dtype)


class Loader:
    """As a DataLoader of torch: lists of tensors, batch by batch."""

    def __init__(self, *parts, size=5):
        self.parts, self.size, self.passes = parts, size, 0

    def __len__(self):
        return -(-len(self.parts[0]) // self.size)

    def __iter__(self):
        self.passes += 1
        for start in range(0, len(self.parts[0]), self.size):
            yield [Tensor(part[start : start + self.size]) for part in self.parts]


class PyData(keras.utils.PyDataset):
    def __init__(self, *parts):
        super().__init__()
        self.parts, self.ended = parts, 0

    def __len__(self):
        return -(-len(self.parts[0]) // 5)

    def __getitem__(self, number):
        return tuple(part[5 * number : 5 * number + 5] for part in self.parts)

    def on_epoch_end(self):
        self.ended += 1


def tf_data(*parts):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(parts).batch(5)


def torch_data(*parts):
    torch = pytest.importorskip("torch")
    parts = [
        torch.as_tensor(np.unique(part, return_inverse=True)[1] if part.dtype.kind == "U" else part)
        for part in parts
    ]
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*parts), batch_size=5)


KINDS = [Loader, PyData, tf_data, torch_data]


@pytest.fixture
def in_order(monkeypatch):
    """Arrays are trained on in their order too, in batches of the same sizes."""
    shuffled = loop.shuffled

    def ordered(n_cases, *others):
        sizes = [len(batch) for batch in shuffled(n_cases, *others)]
        return np.split(np.arange(n_cases), np.cumsum(sizes)[:-1])

    monkeypatch.setattr(loop, "shuffled", ordered)


def fitted(*given, kind=NetworkClassifier, parameters=None, **others):
    return kind(**{**SMALL, **(parameters or {})}).fit(*given, **others)


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


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_saves_the_first_pass(kind, in_order):
    """With the statistics of all, a fit is that after a pass; scaling is that of the sample."""
    whole = fitted(kind(SERIES, LABELS), X_val=Loader(SERIES[:8], LABELS[:8]))
    loader, held_back = kind(SERIES, LABELS), Loader(SERIES[:8], LABELS[:8])
    labels = LABELS if kind is not torch_data else np.unique(LABELS, return_inverse=True)[1]
    sampled = Sampled(loader, (SERIES, labels), n_cases=26)
    read = fitted(sampled, X_val=Sampled(held_back, (SERIES[:7], LABELS[:7]), n_cases=8))
    assert_same(whole, read)
    np.testing.assert_allclose([*read.history_.values()], [*whole.history_.values()], rtol=1e-5)
    assert held_back.passes == 2  # one each epoch
    np.testing.assert_array_equal(read.predict(sampled), whole.predict(SERIES))


def test_scaling_and_shares_of_classes_are_those_of_the_sample(in_order):
    some = slice(6, 19)  # of which 26 is a multiple
    loader = Loader(SERIES, LABELS)
    read = fitted(Sampled(loader, (SERIES[some], LABELS[some]), 26), parameters={"class_weight": "balanced"})
    assert loader.passes == 2
    scaling = read.model_.get_layer("preprocessor").get_layer("scaling")
    np.testing.assert_allclose(scaling.mean, SERIES[some].mean(axis=(0, 2)), rtol=1e-5)
    shares = dict(zip(*np.unique(LABELS[some], return_counts=True), strict=True))
    by_hand = {label: 13 / (2 * count) for label, count in shares.items()}
    given = fitted(Sampled(loader, (SERIES[some], LABELS[some]), 26), parameters={"class_weight": by_hand})
    assert_same(read, given)


@pytest.mark.parametrize(
    ("series", "labels", "n_cases", "message"),
    [
        (SERIES[:9], LABELS[:9], 27, "`n_cases` is 27. Received: cases=26"),
        (SERIES[:9], LABELS[:9], 25, "`n_cases` is 25. Received: cases='more than 25'"),
        (SERIES[:9], LABELS[:9], 8, "`n_cases` must be the cases of a pass.*n_cases=8, sample=9"),
        (SERIES[:9], LABELS[:9], 26.0, "`n_cases` must be a positive integer"),
        (SERIES[:9, :, :11], LABELS[:9], 26, r"must have the longest series.*steps=\(12, 12\)"),
        (SERIES[:9, :1], LABELS[:9], 26, "All series must have 1 channels, as the sample has"),
        (SERIES, np.where(LABELS == "sit", "lie", LABELS), 26, "sit"),
        (SERIES[:9], None, 26, r"must give targets: \(series, targets\)"),
    ],
)
def test_a_sample_that_tells_too_little_is_refused(series, labels, n_cases, message):
    sample = (series,) if labels is None else (series, labels)
    with pytest.raises(ValueError, match=message):
        fitted(Sampled(Loader(SERIES, LABELS), sample, n_cases))


def test_a_class_that_a_sample_lacks_is_refused_where_it_is_known():
    """It would count nothing: its weight comes from the sample."""
    one_class = SERIES[LABELS == "sit"], LABELS[LABELS == "sit"]
    rule = r"A sample must have each class that its loader gives.*y=\['run'"
    with pytest.raises(ValueError, match=rule):
        fitted(SERIES, LABELS, X_val=Sampled(Loader(SERIES, LABELS), one_class, 26))
    with pytest.raises(ValueError, match=rule):
        fitted(SERIES, LABELS).partial_fit(Sampled(Loader(SERIES, LABELS), one_class, 26))


@pytest.mark.parametrize(
    "series", [ONE_SHORT, np.where(np.arange(12) == 4, np.nan, SERIES)], ids=["one is short", "missing"]
)
def test_gaps_and_ends_that_a_sample_lacks_are_refused(series):
    """The network would read them in another way than if it had known of them."""
    with pytest.raises(ValueError, match="A sample must have the longest series, one that ends early"):
        fitted(Sampled(Loader(series, LABELS), (SERIES, LABELS), 26))
    fitted(Sampled(Loader(series, LABELS), (series, LABELS), 26))


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


def test_a_loader_is_never_held_whole():
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


def test_statistics_of_one_pass_are_those_of_two():
    series = np.where(RNG.random((40, 9, 4)) < 0.2, np.nan, 1e3 + RNG.normal(size=(40, 9, 4)))
    series[..., 2], series[..., 3], series[:20, :, 1] = 7.5, np.nan, np.nan
    one_pass = RunningStatistics()
    for part in np.split(series.astype(np.float32), [1, 5, 30]):
        one_pass.add(part)
    for one, two in zip(
        one_pass.result(), channel_statistics(lambda: [series.astype(np.float32)]), strict=True
    ):
        np.testing.assert_allclose(one, two, rtol=1e-6)
    assert one_pass.result()[1][2] == one_pass.result()[1][3] == 0


def test_predict_takes_what_begins_once_and_has_no_length():
    classifier = fitted(SERIES, LABELS)
    batches = (SERIES[start : start + 4] for start in range(0, 26, 4))
    np.testing.assert_array_equal(classifier.predict(batches), classifier.predict(SERIES))


def test_lists_of_series_alone_are_read_or_refused_and_never_taken_for_targets():
    one_channel = SERIES[:, :1]
    classifier = fitted(one_channel, LABELS)
    cases = [case[:, : 6 + number % 6] for number, case in enumerate(one_channel)]
    expected = classifier.predict_proba(cases[:8])
    for batches in ([cases[:5], SERIES[:0, :1], (cases[5:8],)], [(cases[:2],), (cases[2:8],)]):
        np.testing.assert_allclose(classifier.predict_proba(iter(batches)), expected, atol=1e-6)
    with pytest.raises(ValueError, match=r"may be series alone, or series and targets.*\(1, 6\), \(1, 7\)"):
        classifier.predict(iter([cases[:2]]))
    for nothing in ([], [SERIES[:0, :1]]):
        with pytest.raises(ValueError, match="A loader must give at least one case"):
            classifier.predict(iter(nothing))


def without_length(*parts):
    yield from Loader(*parts)


def several_passes(n_cases_of_pass):
    class Changing(Loader):
        def __iter__(self):
            self.passes += 1
            n_cases = n_cases_of_pass[min(self.passes, len(n_cases_of_pass)) - 1]
            return iter(Loader(SERIES[:n_cases], LABELS[:n_cases]))

    return Changing(SERIES, LABELS)


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        (lambda: without_length(SERIES, LABELS), r"must have a length, `len\(loader\)` batches"),
        (
            lambda: tf_data(SERIES, LABELS).repeat(),
            r"`.apply\(tf.data.experimental.assert_cardinality\(n\)\)`",
        ),
        (lambda: tf_data(SERIES, LABELS).unbatch(), "must have a length"),
        (lambda: Loader(SERIES), r"must give targets: \(series, targets\) in each batch"),
        (lambda: Loader(SERIES, LABELS[:20]), "Series, targets and weights of a batch must be equally many"),
        (lambda: Loader(SERIES[:0], LABELS[:0]), "A loader must give at least one batch"),
        (
            lambda: several_passes([26, 20]),
            "as many cases in each pass: it gave 26 in the first. Received: cases=20",
        ),
        (lambda: several_passes([20, 26]), "it gave 20 in the first. Received: cases='more than 20'"),
        (
            lambda: Loader(SERIES, np.where(np.arange(26) < 5, 1, LABELS.astype(object)).tolist()),
            "Targets must be text in all batches of a loader, or in none",
        ),
        (lambda: Loader(np.where(SERIES > 9, np.inf, SERIES), LABELS), "Values of X must be finite"),
    ],
)
def test_loaders_that_cannot_be_trained_on_are_told(loader, message):
    with pytest.raises(ValueError, match=message):
        fitted(loader())


def test_cases_that_are_not_batched_are_told():
    class Cases(Loader):
        def __iter__(self):
            yield from zip(SERIES, LABELS, strict=True)

    for give in (fitted, fitted(SERIES, LABELS).predict):
        with pytest.raises(ValueError, match=r"must give batches.*Group its cases, as by `.batch\(16\)`"):
            give(Cases(SERIES, LABELS))
    with pytest.raises(ValueError, match="must give batches"):
        fitted(SERIES, LABELS).predict(iter([{"a": 1}]))


def test_what_needs_cases_in_memory_is_told(tmp_path):
    loader = Loader(SERIES, LABELS)
    for parameters, message in [
        ({"validation_split": 0.2}, "give `X_val` instead of `validation_split`"),
        ({"recipe": "hybrid", "n_members": 4}, "solved from cases in memory: give arrays, not a loader"),
        ({"checkpoint": tmp_path / "state"}, "A `checkpoint` knows cases by their order"),
        ({"missing": "error"}, "No value of X may be missing"),
    ]:
        gaps = Loader(np.where(np.arange(12) == 4, np.nan, SERIES), LABELS)
        with pytest.raises(ValueError, match=message):
            fitted(gaps if "missing" in parameters else loader, parameters=parameters)
    for given in ({"y": LABELS}, {"sample_weight": WEIGHTS}, {"groups": LABELS}):
        with pytest.raises(ValueError, match="A loader gives targets and weights itself: leave out `y`"):
            fitted(loader, **given)
    with pytest.raises(ValueError, match="leave out `y_val`"):
        fitted(loader, X_val=loader, y_val=LABELS)
    classifier = fitted(loader)
    for call in (classifier.fitted_.read, lambda X: explain.occlusion(classifier, X, size=4)):
        with pytest.raises(ValueError, match="a loader is for `fit` and `predict`"):
            call(loader)
    with pytest.raises(ValueError, match="`y` must hold a target for each case"):
        fitted(SERIES)


def test_arrays_frames_and_lists_are_no_loaders():
    import pandas as pd

    for series in (SERIES, Tensor(SERIES), list(SERIES), pd.DataFrame(SERIES[:, 0]), None, "text"):
        assert not is_loader(series)
