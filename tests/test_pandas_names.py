"""Names in pandas decide which channel is which and which target belongs to which case, or are refused."""

import numpy as np
import pandas as pd
import pytest

from mlstm_fcn import NetworkRegressor, explain, plotting, trust
from mlstm_fcn.early import EarlyClassifier
from tests import quick_fcn
from tests.early_cases import OfMeans
from tests.frames import NAMES, frames, multiindex, nested
from tests.quick_fcn import fit, small
from tests.quick_fit import assert_same

data, plain = quick_fcn.data, quick_fcn.plain
OTHER = [5, 3, 1, 0, 2, 4]


@pytest.mark.parametrize("container", [frames, nested, multiindex])
def test_channels_of_another_order_are_put_in_that_of_fit(container, data, plain, tmp_path):
    X, y = data
    named = fit((container(X, NAMES), y))
    expected = plain.predict_proba(X)
    turned = container(X[:, OTHER], [NAMES[number] for number in OTHER])
    named.save(tmp_path / "it.mlstm")
    for classifier in (named, type(named).load(tmp_path / "it.mlstm")):
        for series in (container(X, NAMES), turned, X, container(X, range(6))):
            np.testing.assert_array_equal(classifier.predict_proba(series), expected)


def test_channels_of_other_names_are_refused(data):
    X, y = data
    classifier = fit((frames(X, NAMES), y))
    renamed = ["x", *NAMES[1:]]
    for call in (
        classifier.predict,
        lambda X: classifier.partial_fit(X, y),
        lambda X: classifier.fine_tune(X, y),
    ):
        with pytest.raises(ValueError, match=r"the names that they had in fit.*missing=\['a'\], new=\['x'\]"):
            call(frames(X, renamed))
    with pytest.raises(ValueError, match=r"missing=\['f'\], new=\[\]"):
        classifier.predict(frames(X[:, :5], NAMES[:5]))
    with pytest.raises(ValueError, match=r"case=1, missing=\['a'\]"):
        fit((frames(X[:1], NAMES) + frames(X[1:], renamed), y))


def test_every_series_and_validation_and_further_training_are_put_in_order(data, plain):
    X, y = data
    turned = frames(X[:, OTHER], [NAMES[number] for number in OTHER])
    mixed = [turned[number] if number % 2 else frame for number, frame in enumerate(frames(X, NAMES))]
    expected, read = (small().fit(series, y, None, more, y) for series, more in ((X, X), (mixed, turned)))
    assert read.history_["val_loss"] != []
    # the first series decides the order
    assert_same(expected, read)
    assert read.history_ == expected.history_
    assert_same(expected.partial_fit(X, y), read.partial_fit(turned, y))


def test_names_that_only_count_are_no_names(data):
    X, y = data
    classifier = fit((nested(X, [f"dim_{number}" for number in range(6)]), y))
    expected = classifier.predict(X)
    np.testing.assert_array_equal(classifier.predict(multiindex(X, [f"var_{i}" for i in range(6)])), expected)
    np.testing.assert_array_equal(classifier.predict(nested(X, NAMES)), expected)


def test_scores_against_targets_in_another_order_than_the_cases_are_refused(data):
    """A wrong score without a word otherwise."""
    X, y = data
    cases = [f"case {number}" for number in range(40)]
    series, labels = nested(X, NAMES, cases), pd.Series(y, index=cases)
    numbers = pd.Series(np.arange(40.0), index=cases)
    rules = EarlyClassifier(OfMeans(), n_checkpoints=2, n_splits=2, random_state=0)
    rest = {"network": "lstm_fcn", "network_params": {"lstm_units": 2, "filters": (4,), "kernel_sizes": (3,)}}
    regressor = NetworkRegressor(**rest, n_epochs=1)
    for estimator, targets in ((small(n_epochs=1), labels), (rules, labels), (regressor, numbers)):
        fitted = estimator.fit(series, targets)
        assert fitted.score(series, targets) == fitted.score(X, targets.to_numpy())
        with pytest.raises(ValueError, match="index of `y` must name the cases as X does"):
            fitted.score(series, targets[::-1])
        weights = pd.Series(1.0, index=cases)
        with pytest.raises(ValueError, match="index of `sample_weight` must name the cases"):
            fitted.score(series, targets, weights[::-1])
        with pytest.warns(UserWarning, match="`y` has a shuffled index") as warned:
            fitted.score(X, targets.reset_index(drop=True)[::-1])
        assert [one.filename for one in warned if one.category is UserWarning] == [__file__]


def test_figures_and_pictures_of_targets_in_another_order_are_refused(data, drawn_in_memory):
    X, y = data
    cases = [f"case {number}" for number in range(40)]
    series, labels = nested(X, NAMES, cases), pd.Series(y, index=cases)
    classifier = small(n_epochs=1).fit(series, labels)
    importance = {"scoring": "accuracy", "n_repeats": 1}
    probabilities = pd.DataFrame(classifier.predict_proba(series), cases, classifier.classes_)
    for figure in (
        lambda y: classifier.model_card(series, y),
        lambda y: plotting.accuracy_by_length(classifier, series, y, n_lengths=2).lines[0].get_ydata()[-1],
        lambda y: plotting.confusion_matrix(classifier, series, y).images[0].get_array(),
        lambda y: plotting.calibration(classifier, series, y).lines[1].get_ydata(),
        lambda y: explain.permutation_importance(classifier, series, y, random_state=0, **importance),
        lambda y: list(trust.scores(y, probabilities, classifier.classes_).values()),
    ):
        expected = figure(y)
        np.testing.assert_equal(figure(labels), expected)
        with pytest.raises(ValueError, match=r"index of `y(_true)?` must name the cases as X does"):
            figure(labels[::-1])


def test_columns_of_probabilities_are_read_by_name(data, plain):
    X, y = data
    probabilities = pd.DataFrame(plain.predict_proba(X), columns=plain.classes_)
    expected = trust.scores(y, probabilities.to_numpy(), plain.classes_)
    for frame in (probabilities, probabilities.iloc[:, ::-1], probabilities.set_axis(range(4), axis=1)):
        assert trust.scores(y, frame, plain.classes_) == expected
        assert trust.calibration_error(y, frame, plain.classes_) == expected["calibration_error"]
    with pytest.raises(ValueError, match="Columns of `probabilities` must be named as `labels` are"):
        trust.scores(y, probabilities.rename(columns={"Running": "Run"}), plain.classes_)


def test_targets_and_weights_in_another_order_than_the_cases_are_refused(data):
    X, y = data
    cases = [f"case {number}" for number in range(40)]
    series, labels = nested(X, NAMES, cases), pd.Series(y, index=cases)
    for turned in (labels[::-1], labels.rename(lambda case: case + "!")):
        for call in (small().fit, small().partial_fit):
            with pytest.raises(
                ValueError, match=r"index of `y` must name the cases as X does.*`y.to_numpy\(\)`"
            ):
                call(series, turned)
        with pytest.raises(ValueError, match="index of `y_val` must name the cases as X does"):
            small().fit(series, labels, None, series, turned)
    weights = pd.Series(1.0, index=cases)
    with pytest.raises(ValueError, match="index of `sample_weight` must name the cases"):
        small().fit(series, labels, weights[::-1])
    numbered = multiindex(X, NAMES)
    with pytest.raises(ValueError, match="index of `y` must name the cases"):
        small().fit(numbered, pd.Series(y)[::-1])


def test_targets_that_name_no_cases_are_taken_in_their_order(data, plain):
    X, y = data
    series = nested(X, NAMES, [f"case {number}" for number in range(40)])
    assert_same(fit((series, pd.Series(y))), plain)
    assert_same(fit((X, pd.Series(y, index=range(7, 47)))), plain)
    turned = pd.Series(y)[::-1]
    with pytest.warns(UserWarning, match=r"`y` has a shuffled index and X has none.*`y.to_numpy\(\)` if"):
        shuffled = fit((X[::-1], turned))
    assert_same(shuffled, fit((X[::-1], turned.to_numpy())))


def test_names_of_channels_that_a_file_loses_are_told(data, tmp_path):
    frames = [pd.DataFrame(case.T) for case in data[0]]
    for frame in frames:
        frame.columns = pd.date_range("2020", periods=frame.shape[1])
    classifier = small(n_epochs=1).fit(frames, data[1])
    with pytest.warns(UserWarning, match="keeps the names of channels only if they are text or numbers"):
        classifier.save(tmp_path / "it.keras")
