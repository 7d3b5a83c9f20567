"""What is no loader, or none that can be trained on, is told with its repair."""

import numpy as np
import pytest

from mlstm_fcn import explain
from mlstm_fcn.loaders import Sampled
from mlstm_fcn.loaders.series import is_loader
from tests.loaded import LABELS, ONE_SHORT, SERIES, WEIGHTS, Loader, Tensor, fitted, tf_data


@pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
def test_a_weight_that_cannot_count_is_refused_in_every_pass(weight):
    weights = np.where(np.arange(26) == 20, weight, 1.0)
    for loader in (
        Loader(SERIES, LABELS, weights),
        Sampled(Loader(SERIES, LABELS, weights), (SERIES[:9], LABELS[:9], WEIGHTS[:9]), 26),
        Loader(SERIES, LABELS, np.ones((26, 1))),
    ):
        with pytest.raises(ValueError, match=r"must be finite numbers \(cases,\), not negative"):
            fitted(loader)


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
        (lambda: Loader(SERIES, LABELS[:20]), "A batch must have as many targets and weights as series"),
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


@pytest.mark.parametrize(
    "later",
    [
        np.concatenate([SERIES, SERIES[..., :1]], axis=2),
        ONE_SHORT,
        SERIES[..., :-1],
        np.where(np.arange(12) == 4, np.nan, SERIES),
        SERIES[:, :1],
    ],
    ids=["longer", "one is short", "all are shorter", "gaps", "fewer channels"],
)
def test_later_passes_unlike_the_first_are_refused(later):
    """They would be cut, or filled in at their ends, for a network that reads no mask."""

    class Changing(Loader):
        def __iter__(self):
            self.passes += 1
            return iter(Loader(SERIES if self.passes < 3 else later, LABELS))

    fitted(Changing(SERIES, LABELS), parameters={"n_epochs": 1})
    with pytest.raises(ValueError, match="Later passes over a loader must have the channels of the first"):
        fitted(Changing(SERIES, LABELS), parameters={"n_epochs": 2})


def test_weights_that_come_or_go_between_passes_are_refused():
    class Changing(Loader):
        def __iter__(self):
            self.passes += 1
            return iter(Loader(SERIES, LABELS, *([WEIGHTS] if self.passes == self.weighed else [])))

    for weighed in (1, 2):
        loader = Changing(SERIES, LABELS)
        loader.weighed = weighed
        with pytest.raises(ValueError, match="must give weights, or none, in every pass"):
            fitted(loader, parameters={"n_epochs": 2})


def test_a_loader_with_the_axes_of_keras_is_warned_of():
    with pytest.warns(UserWarning, match="12 channels of 2 steps.*If it is.*time, channels"):
        fitted(Loader(SERIES.swapaxes(1, 2), LABELS))
