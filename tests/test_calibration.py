"""Probabilities are as often right as they say: one temperature, in every form of a model."""

import pickle
import re

import keras
import numpy as np
import pandas as pd
import pytest
from sktime.datatypes import convert_to

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, export, trust
from mlstm_fcn.layers import Temperature
from mlstm_fcn.models.pipeline import split
from mlstm_fcn.report import write_case, write_evaluation
from tests import trusted
from tests.trusted import EVERY, SMALL

problem, calibrated = trusted.problem, trusted.calibrated


def at_temperature(probabilities, temperature):
    """In float64, without logarithms."""
    powers = np.maximum(probabilities.astype(np.float64), 1e-7) ** (1 / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def smoothed_log_loss(probabilities, y, labels):
    """As if one more case might be of any class, see `fitting.ridge.sharpness`."""
    spread = 1 / (len(y) + 2)
    targets = (1 - spread) * (y[:, None] == labels) + spread / len(labels)
    return -(targets * np.log(probabilities)).sum(axis=1).mean()


def test_the_layer_is_a_power_of_probabilities(rng):
    given = rng.dirichlet(np.ones(4), size=6).astype("float32")
    for temperature in (0.3, 1.0, 2.5):
        layer = Temperature(temperature)
        np.testing.assert_allclose(layer(given), at_temperature(given, temperature), rtol=1e-5)
        assert Temperature.from_config(layer.get_config()).get_config() == layer.get_config()
    np.testing.assert_allclose(Temperature(2.0)(np.array([[1.0, 0.0]])), [[1, 10**-3.5]], atol=1e-3)
    assert Temperature(2)(keras.Input((3,))).shape == (None, 3)
    for wrong in (0, -1.0, np.inf, np.nan, "1"):
        with pytest.raises(ValueError, match="`temperature` must be a positive number"):
            Temperature(wrong)


@pytest.mark.parametrize("name", EVERY)
def test_the_temperature_is_what_a_direct_search_finds(name, calibrated, problem):
    before, after = calibrated(name)
    _, (X, y) = problem
    given = before.predict_proba(X)
    grid = np.geomspace(0.01, 15, 2000)
    losses = [smoothed_log_loss(at_temperature(given, one), y, before.classes_) for one in grid]
    best = grid[np.argmin(losses)]
    assert grid[0] < best < grid[-1]
    assert trust.temperature(before) == 1
    assert trust.temperature(after) == pytest.approx(best, rel=0.01)
    assert abs(np.log(best)) > 0.1, "there is something to calibrate"


@pytest.mark.usefixtures("uncompiled")
def test_a_fit_says_which_cases_it_held_back(problem):
    """A fit whose validation set is these cases has the same weights, so the same temperature."""
    X, y = problem[1]
    groups = np.arange(len(y)) // 4
    split = {**SMALL, "n_epochs": 2, "validation_split": 0.3}
    one = MLSTMFCNClassifier(**split).fit(X, y, groups=groups)
    held = trust.held_back(one)
    assert held.shape == y.shape
    assert set(groups[held]).isdisjoint(groups[~held])
    given = MLSTMFCNClassifier(**split).fit(X[~held], y[~held], X_val=X[held], y_val=y[held])
    calibrated = trust.calibrate(one, X[held], y[held])
    np.testing.assert_array_equal(given.predict_proba(X), one.predict_proba(X))
    assert trust.temperature(calibrated) == trust.temperature(trust.calibrate(given, X[held], y[held])) != 1
    np.testing.assert_array_equal(trust.held_back(calibrated.fitted_), held)

    with pytest.raises(ValueError, match="held nothing back: fit with a `validation_split`, or take X_val"):
        trust.held_back(given)
    with pytest.raises(ValueError, match="held nothing back"):
        trust.held_back(one.partial_fit(X, y))  # which trains on all of them


@pytest.mark.usefixtures("uncompiled")
def test_the_cases_that_validated_without_groups_are_those_held_back(problem):
    X, y = problem[1]
    one = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 2}, validation_split=0.3).fit(list(X), y)
    held = trust.held_back(one)
    assert held.sum() == 18
    assert one.history_["val_accuracy"][-1] == pytest.approx(one.score(X[held], y[held]))
    assert one.score(X[held], y[held]) != one.score(X[~held][:18], y[~held][:18])


@pytest.mark.parametrize("name", EVERY)
def test_answers_stay_and_probabilities_move(name, calibrated, problem):
    before, after = calibrated(name)
    _, (X, _) = problem
    expected = at_temperature(before.predict_proba(X), trust.temperature(after))
    np.testing.assert_allclose(after.predict_proba(X), expected, atol=1e-5)
    np.testing.assert_array_equal(after.predict(X), before.predict(X))
    assert np.abs(after.predict_proba(X) - before.predict_proba(X)).max() > 0.01
    assert type(after) is type(before)
    assert after.get_params() == before.get_params()


@pytest.mark.usefixtures("onnx_in_one_attempt")
@pytest.mark.parametrize("name", ["one", pytest.param("hybrid", marks=pytest.mark.slow)])
def test_every_form_of_the_model_has_the_temperature(name, calibrated, problem, tmp_path):
    before, after = calibrated(name)
    _, (X, _) = problem
    expected = after.predict_proba(X)
    after.save(tmp_path / "it.keras")
    loaded = type(after).load(tmp_path / "it.keras")
    assert trust.temperature(loaded) == trust.temperature(after)
    np.testing.assert_allclose(loaded.predict_proba(X), expected, atol=1e-6)
    plain = keras.saving.load_model(tmp_path / "it.keras")
    np.testing.assert_allclose(plain(X.swapaxes(1, 2).astype("float32")), expected, atol=1e-5)
    artifact = export.load(after.export(tmp_path / "it.onnx", X=X))
    np.testing.assert_allclose(artifact.outputs(X), expected, atol=1e-5)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(after)).predict_proba(X), expected, atol=1e-6)
    complete = after.fitted_._complete_model()  # for many values without gaps
    np.testing.assert_allclose(complete(X.swapaxes(1, 2).astype("float32")), expected, atol=1e-5)
    shorter = [case[:, :15] for case in X]
    of_shorter = at_temperature(before.predict_proba(shorter), trust.temperature(after))
    np.testing.assert_allclose(after.predict_proba(shorter), of_shorter, atol=1e-5)


def test_calibrating_again_replaces_the_temperature_and_training_removes_it(calibrated, problem):
    train, held_back = problem
    _, after = calibrated("one")
    again = trust.calibrate(after, *held_back)
    assert trust.temperature(again) == pytest.approx(trust.temperature(after), rel=1e-3)
    assert split(again.model_)[1] is split(after.model_)[1]
    tuned = after.fine_tune(*train, n_epochs=1)
    assert trust.temperature(tuned) == 1


def test_a_fitted_network_and_weights(calibrated, problem):
    """A case of weight two is a case that comes twice."""
    before, _ = calibrated("one")
    _, (X, y) = problem
    twice = trust.calibrate(before, np.concatenate([X, X[:20]]), np.concatenate([y, y[:20]]))
    weights = np.where(np.arange(60) < 20, 2.0, 1.0)
    weighted = trust.calibrate(before.fitted_, X, y, sample_weight=weights)
    assert trust.temperature(weighted) == pytest.approx(trust.temperature(twice), rel=0.02)


def test_cards_and_pages_tell_the_temperature(calibrated, problem, tmp_path):
    before, after = calibrated("one")
    chosen = f"{trust.temperature(after):.3g}"
    assert f"with the temperature {chosen}." in after.model_card()
    assert "are not calibrated" in before.model_card()
    text = write_case(after, problem[0][0][0], tmp_path / "case.html").read_text()
    assert re.search(f"temperature of probabilities</td><td[^>]*>{chosen}</td>", text)


def test_classes_may_be_a_column_and_must_be_in_the_order_of_the_series(calibrated, problem, tmp_path):
    before, after = calibrated("one")
    _, (X, y) = problem
    column = pd.DataFrame({"class": y})
    assert trust.temperature(trust.calibrate(before, X, column)) == trust.temperature(after)
    cases = convert_to(X, "pd-multiindex")
    shuffled = pd.Series(y).iloc[::-1]
    for refuse in (
        lambda: trust.calibrate(before, cases, shuffled),
        lambda: write_evaluation(before, cases, shuffled, tmp_path / "page.html"),
    ):
        with pytest.raises(ValueError, match="The index of `y` must name the cases as X does"):
            refuse()


def test_what_cannot_be_calibrated_is_refused(calibrated, problem):
    before, _ = calibrated("one")
    train, (X, y) = problem
    with pytest.raises(ValueError, match=r"Labels must be among those of fit.*y=\[.*'z'"):
        trust.calibrate(before, X, np.full(60, "z"))
    with pytest.raises(ValueError, match=r"the same number of cases.*series=60, labels=59"):
        trust.calibrate(before, X, y[:59])
    regressor = MLSTMFCNRegressor(**SMALL).fit(train[0], np.arange(45.0))
    with pytest.raises(ValueError, match="Only the probabilities of classes that exclude"):
        trust.calibrate(regressor, X, np.arange(60.0))
