"""The regressor predicts numbers, in the unit of the targets."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from mlstm_fcn import MLSTMFCNRegressor, NetworkRegressor

LEARNS = {"filters": (8, 16, 8), "reduction": 4, "n_epochs": 60, "batch_size": 8, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def data(basic_motions):
    """How much the first channel moves: known from the series, far from zero, in thousands."""
    X = np.concatenate([basic_motions.X_train, basic_motions.X_test])
    y = 5000 + 1000 * np.log(X[:, 0].std(axis=1))
    order = np.random.default_rng(0).permutation(len(X))
    return X[order], y[order]


@pytest.fixture(scope="module")
def fitted(data):
    X, y = data
    return MLSTMFCNRegressor(**LEARNS, random_state=0).fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])


def test_learns_what_can_be_known(fitted, data):
    X, y = data
    assert fitted.score(X[60:], y[60:]) > 0.8
    assert set(fitted.history_) == {"loss", "val_loss"}


def test_the_keras_model_gives_the_unit_of_the_targets(fitted, data):
    X, y = data
    prediction = fitted.predict(X)
    assert abs(prediction.mean() - y.mean()) < 0.2 * y.std()
    raw = fitted.model_.predict(np.swapaxes(X, 1, 2).astype("float32"), verbose=0)
    np.testing.assert_allclose(raw[:, 0], prediction, rtol=1e-5)


def test_the_validation_loss_is_the_squared_error_in_standard_deviations_of_the_targets(fitted, data):
    X, y = data
    errors = (fitted.predict(X[60:]) - y[60:]) / y[:60].std()
    assert fitted.history_["val_loss"][-1] == pytest.approx(np.mean(errors**2), rel=5e-3)


def test_shorter_series_are_in_that_unit_too(fitted, data):
    X, _ = data
    whole, short = fitted.predict(X[:1]), fitted.predict(X[:1, :, :80])
    assert 0 < abs(whole - short) < 2000
    np.testing.assert_allclose(fitted.predict([X[0, :, :80], X[1]])[0], short, rtol=1e-5)


def test_saved_and_loaded_it_predicts_the_same(fitted, data, tmp_path):
    fitted.save(tmp_path / "it.mlstm")
    loaded = MLSTMFCNRegressor.load(tmp_path / "it.mlstm")
    np.testing.assert_array_equal(loaded.predict(data[0]), fitted.predict(data[0]))
    shorter = data[0][:, :, :80]
    np.testing.assert_array_equal(loaded.predict(shorter), fitted.predict(shorter))


@pytest.mark.filterwarnings("ignore:only single label seen")
def test_a_constant_target_is_predicted(data):
    X, _ = data
    regressor = NetworkRegressor(network="fcn", n_epochs=40, learning_rate=0.01, random_state=0)
    np.testing.assert_allclose(regressor.fit(X[:8], np.full(8, 7.5)).predict(X[:8]), 7.5, atol=0.5)


@pytest.mark.filterwarnings("ignore:only single label seen")
def test_rounding_does_not_make_a_constant_target_vary(data):
    tenths = np.full(24, 0.1)
    assert tenths.std() > 0
    regressor = MLSTMFCNRegressor(**{**LEARNS, "n_epochs": 1}, random_state=0)
    history = regressor.fit(data[0][:24], tenths, X_val=data[0][:4], y_val=np.full(4, 0.2)).history_
    assert history["val_loss"][0] < 100


def test_targets_that_float32_cannot_tell_apart_are_warned_of(data):
    regressor = MLSTMFCNRegressor(**{**LEARNS, "n_epochs": 1}, random_state=0)
    with pytest.warns(UserWarning, match="keeps little of the differences between the targets"):
        regressor.fit(data[0][:8], 1.7e9 + np.arange(8))


def test_validation_split_and_cross_validation(data):
    X, y = data
    regressor = MLSTMFCNRegressor(**LEARNS, random_state=0, validation_split=0.2)
    assert len(set(regressor.fit(X, y).history_["val_loss"])) == LEARNS["n_epochs"]
    assert cross_val_score(regressor, X, y, cv=2).mean() > 0.3


@pytest.mark.parametrize(
    ("y", "message"),
    [(np.inf, "Every target must be a finite number"), (np.nan, "Every case must have a target")],
)
def test_targets_must_be_finite(y, message, data):
    with pytest.raises(ValueError, match=message):
        MLSTMFCNRegressor(**LEARNS).fit(data[0][:4], np.array([1, 2, y, 4]))
    validation = {"X_val": data[0][:2], "y_val": np.array([1, y])}
    with pytest.raises(ValueError, match=message):
        MLSTMFCNRegressor(**LEARNS).fit(data[0][:4], np.arange(4.0), **validation)
