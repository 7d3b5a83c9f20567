"""A sample of a loader saves its first pass, and must tell what that pass would have told."""

import numpy as np
import pytest

from mlstm_fcn.loaders import Sampled
from tests.loaded import KINDS, LABELS, ONE_SHORT, SERIES, Loader, fitted, torch_data
from tests.quick_fit import assert_same


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
        (SERIES[:9], LABELS[:9], 8, "`n_cases` must be the number of cases in one pass.*n_cases=8, sample=9"),
        (SERIES[:9], LABELS[:9], 26.0, "`n_cases` must be a positive integer"),
        (SERIES[:9, :, :11], LABELS[:9], 26, r"have all channels, the longest series.*'steps': \(12, 12\)"),
        (
            SERIES[:9, :1],
            LABELS[:9],
            26,
            "A sample must have all channels.*'channels': 2.*expected=.*'channels': 1",
        ),
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
    rule = r"The sample must contain every class that the loader gives.*y=\['run'"
    with pytest.raises(ValueError, match=rule):
        fitted(SERIES, LABELS, X_val=Sampled(Loader(SERIES, LABELS), one_class, 26))
    with pytest.raises(ValueError, match=rule):
        fitted(SERIES, LABELS).partial_fit(Sampled(Loader(SERIES, LABELS), one_class, 26))


@pytest.mark.parametrize(
    "series", [ONE_SHORT, np.where(np.arange(12) == 4, np.nan, SERIES)], ids=["one is short", "missing"]
)
def test_gaps_and_ends_that_a_sample_lacks_are_refused(series):
    """The network would read them in another way than if it had known of them."""
    with pytest.raises(ValueError, match="A sample must have all channels, the longest series"):
        fitted(Sampled(Loader(series, LABELS), (SERIES, LABELS), 26))
    fitted(Sampled(Loader(series, LABELS), (series, LABELS), 26))
