"""A network of random convolutions is solved in closed form, and learns nothing of cases held back."""

import numpy as np
import pytest

from mlstm_fcn import NetworkClassifier, NetworkRegressor, export, models
from mlstm_fcn.preprocess import pad
from tests import waves
from tests.waves import SMALL


@pytest.fixture(scope="module")
def problem():
    return waves.problem()


def test_dilations_go_from_one_to_a_kernel_that_spans_the_series():
    config = models.MultiRocketConfig()
    for time in (9, 50, 100, 2000):
        dilations, thresholds = zip(*config.spread(time), strict=True)
        assert dilations[0] == 1
        assert 8 * dilations[-1] <= time - 1 < 8 * (dilations[-1] + 1) * 1.1
        assert sum(thresholds) == 5000 // 84
        assert min(thresholds) > 0
    assert config.spread(3) == config.spread(None) == ((1, 5000 // 84),)


@pytest.fixture(scope="module")
def solved(problem):
    return NetworkClassifier(network="multirocket", network_params=SMALL, random_state=0).fit(*problem)


def test_it_classifies_series_of_different_lengths_with_gaps(solved, problem):
    X, y = problem
    assert solved.score(X, y) == 1
    assert set(solved.history_) == {"leave_one_out_loss", "leave_one_out_accuracy"}
    assert solved.history_["leave_one_out_accuracy"][0] > 0.9
    assert solved.n_epochs_ == 0
    alone = np.concatenate([solved.predict_proba([one]) for one in X])
    np.testing.assert_allclose(alone, solved.predict_proba(X), atol=1e-5)


def test_it_is_saved_to_the_bit_and_exported(solved, problem, tmp_path, onnx_in_one_attempt):
    X, _ = problem
    solved.save(tmp_path / "model.keras")
    loaded = NetworkClassifier.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_proba(X), solved.predict_proba(X))
    solved.export(tmp_path / "model.onnx")
    outputs = export.load(tmp_path / "model.onnx").outputs(pad(X))
    np.testing.assert_allclose(outputs, solved.predict_proba(X), atol=1e-5)


def test_it_is_the_same_again(solved, problem):
    again = NetworkClassifier(network="multirocket", network_params=SMALL, random_state=0).fit(*problem)
    np.testing.assert_array_equal(again.predict_proba(problem[0]), solved.predict_proba(problem[0]))


def test_validation_cases_decide_nothing(problem):
    """Thresholds, statistics, penalty and sharpness are the same whatever is held back for validation."""
    X, y = problem
    how = {"network": "multirocket", "network_params": SMALL, "random_state": 0}
    one = NetworkClassifier(**how).fit(X, y, X_val=X[:4], y_val=y[:4])
    strange = [np.full_like(series, 1e3) for series in X[:4]]
    other = NetworkClassifier(**how).fit(X, y, X_val=strange, y_val=y[3::-1])
    for first, second in zip(one.model_.get_weights(), other.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert one.history_["val_accuracy"] == [1.0]
    assert other.history_["val_loss"] != one.history_["val_loss"]


def test_fine_tuning_keeps_the_kernels_and_solves_the_head_for_other_labels(solved, problem):
    X, _ = problem
    tuned = solved.fine_tune(X[:20], np.array([3, 7] * 10))
    assert set(tuned.predict(X)) == {3, 7}
    for old, new in zip(solved.model_.layers[-1].layers, tuned.model_.layers[-1].layers, strict=True):
        same = all(np.array_equal(a, b) for a, b in zip(old.get_weights(), new.get_weights(), strict=True))
        assert same == (old.name != "output"), old.name


def test_what_has_no_closed_form_is_refused(solved, problem):
    with pytest.raises(ValueError, match="solved from all cases at once: use `fit`"):
        solved.clone().partial_fit(*problem)
    with pytest.raises(ValueError, match="`freeze` must leave the head"):
        solved.fine_tune(*problem, freeze=("output",))


def test_weights_of_cases_count(problem):
    X, y = problem
    how = {"network": "multirocket", "network_params": SMALL, "random_state": 0}
    flipped = np.concatenate([y, y[1::-1]])
    weights = np.r_[np.ones(len(y)), np.zeros(2)]
    heavy = NetworkClassifier(**how).fit([*X, *X[:2]], flipped, sample_weight=weights)
    assert heavy.score(X, y) == 1
    assert heavy.history_["leave_one_out_accuracy"][0] > 0.9
    split = NetworkClassifier(**how, validation_split=0.4)
    split.fit(
        X, y, sample_weight=np.arange(len(y)) == np.argmax(y == y[0])
    )  # one case counts, in one of both
    assert {"val_loss", "val_accuracy"} < set(split.history_)


def test_many_cases_are_solved_in_blocks(problem, solved, monkeypatch):
    """More cases than are solved at once: the rest is added in the space that those span."""
    from mlstm_fcn.fitting import closed_form

    X, y = problem
    monkeypatch.setattr(closed_form, "MOST_AT_ONCE", 20)
    some = NetworkClassifier(network="multirocket", network_params=SMALL, random_state=0).fit(X, y)
    assert some.score(X, y) == 1
    assert np.abs(some.predict_proba(X) - solved.predict_proba(X)).max() > 0


def test_a_regression_is_solved_in_the_unit_of_the_targets(rng):
    rates = rng.uniform(0.2, 1.0, size=40)
    X = np.sin(np.arange(40) * rates[:, None] + rng.uniform(0, 6, size=(40, 1)))
    y = 1000 + 100 * rates
    fitted = NetworkRegressor(network="multirocket", network_params=SMALL, random_state=0).fit(X[:30], y[:30])
    assert fitted.score(X[30:], y[30:]) > 0.8
    assert set(fitted.history_) == {"leave_one_out_loss"}
    assert fitted.history_["leave_one_out_loss"][0] < 0.3  # of the variance
