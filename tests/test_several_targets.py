"""Several targets a case, learnt by one network: labels that a case has or not, and several numbers."""

import pickle

import keras
import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import accuracy_score, mean_squared_error, r2_score, roc_auc_score
from sklearn.model_selection import cross_val_predict, cross_validate

from mlstm_fcn import (
    MLSTMFCNClassifier,
    MLSTMFCNRegressor,
    NetworkClassifier,
    NetworkRegressor,
    Recipe,
    explain,
    export,
)
from mlstm_fcn.fitting.multilabel import MultiLabel
from mlstm_fcn.fitting.regression import Regression
from mlstm_fcn.fitting.rng import RngSpec
from mlstm_fcn.fitting.voting import judged_cases, worths
from mlstm_fcn.training.dataset import Dataset

SMALL = {
    "network": "fcn",
    "network_params": {"filters": (8,), "kernel_sizes": (5,)},
    "n_epochs": 40,
    "learning_rate": 0.02,
    "batch_size": 10,
    "random_state": 0,
}
RNG = np.random.default_rng(0)
MARKS = (RNG.random((60, 3)) < 0.5).astype(int)  # a wave; noise; nothing that shows
SERIES = RNG.normal(size=(60, 2, 24))
SERIES[:, 0] += 3 * MARKS[:, :1] * np.sin(np.arange(24))
SERIES[:, 1] *= np.where(MARKS[:, 1:2], 3, 0.5)
NUMBERS = np.stack([SERIES[:, 1].std(axis=1), 1e4 - 1e3 * SERIES[:, 0].std(axis=1)], axis=1)
TWO = MARKS[:, :2]


def classifier(**parameters):
    return NetworkClassifier(**{**SMALL, **parameters})


def regressor(**parameters):
    return NetworkRegressor(**{**SMALL, **parameters})


@pytest.fixture(scope="module")
def labelled():
    return classifier().fit(SERIES, TWO)


@pytest.fixture(scope="module")
def measured():
    return regressor().fit(SERIES, NUMBERS)


# Labels that a case has or not.


def test_each_label_is_learnt_and_told_with_its_own_probability(labelled):
    probabilities = labelled.predict_proba(SERIES)
    assert probabilities.shape == (60, 2)
    assert not np.allclose(probabilities.sum(axis=1), 1, atol=0.1)
    predicted = labelled.predict(SERIES)
    assert predicted.dtype == np.int64
    np.testing.assert_array_equal(predicted, probabilities >= 0.5)
    assert (predicted == TWO).mean(axis=0).min() > 0.9
    assert labelled.score(SERIES, TWO) == accuracy_score(TWO, predicted) > 0.8
    assert labelled.classes_.tolist() == [[0, 1], [0, 1]]


def test_the_loss_is_binary_cross_entropy_of_the_probabilities():
    plain = classifier(recipe=Recipe(label_smoothing=0), n_epochs=2)
    fitted = plain.fit(SERIES[:40], MARKS[:40], X_val=SERIES[40:], y_val=MARKS[40:])
    likely = np.where(MARKS[40:] == 1, *(lambda p: (p, 1 - p))(fitted.predict_proba(SERIES[40:])))
    assert fitted.history_["val_loss"][-1] == pytest.approx(-np.log(likely).mean(), rel=1e-4)
    right = (fitted.predict(SERIES[40:]) == MARKS[40:]).mean()
    assert fitted.history_["val_binary_accuracy"][-1] == pytest.approx(right)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_scores_of_scikit_learn_take_the_answers(n_labels):
    scoring = ["accuracy", "f1_macro", "f1_micro", "roc_auc", "average_precision"]
    scores = cross_validate(
        classifier(n_epochs=20), SERIES, MARKS[:, :n_labels], scoring=scoring, cv=2, error_score="raise"
    )
    assert scores["test_roc_auc"].mean() > 0.6
    assert all(np.isfinite(scores[f"test_{name}"]).all() for name in scoring)


@pytest.mark.parametrize("dtype", [bool, float, np.int8])
def test_any_matrix_of_0_and_1_is_read_alike(dtype, labelled):
    again = classifier().fit(SERIES, TWO.astype(dtype))
    np.testing.assert_array_equal(again.predict_proba(SERIES), labelled.predict_proba(SERIES))
    assert again.score(SERIES, TWO.astype(dtype)) == labelled.score(SERIES, TWO)
    assert labelled.score(SERIES, sparse.csr_matrix(TWO)) == labelled.score(SERIES, TWO)


def test_a_sparse_matrix_means_several_labels_though_it_is_one_hot():
    rows = np.eye(3, dtype=int)[np.arange(60) % 3]
    dense, of_labels = classifier(n_epochs=1).fit(SERIES, rows), classifier(n_epochs=1)
    assert dense.classes_.tolist() == [0, 1, 2]
    of_labels.fit(SERIES, sparse.csr_array(rows), X_val=SERIES, y_val=rows)
    assert of_labels.predict(SERIES).shape == (60, 3)


def test_a_tuned_network_keeps_its_labels_though_each_new_case_has_one(labelled):
    copy = pickle.loads(pickle.dumps(labelled))
    copy.thresholds_ = [0.9, 0.1]
    tuned = copy.fine_tune(SERIES, np.eye(2, dtype=int)[np.arange(60) % 2])
    assert tuned.predict(SERIES).shape == (60, 2)
    assert tuned.thresholds_ == (0.9, 0.1)
    assert copy.fine_tune(SERIES, np.eye(3, dtype=int)[np.arange(60) % 3]).classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("n_labels", [2, 3])
def test_probabilities_of_labels_come_from_cross_validation(n_labels):
    given = {"cv": 2, "method": "predict_proba"}
    found = cross_val_predict(classifier(n_epochs=1), SERIES, MARKS[:, :n_labels], **given)
    assert found.shape == (60, n_labels)


def test_thresholds_decide_and_stay_in_a_file(labelled, tmp_path):
    copy = pickle.loads(pickle.dumps(labelled))
    probabilities = labelled.predict_proba(SERIES)
    copy.thresholds_ = [0.9, 0.1]
    np.testing.assert_array_equal(copy.predict(SERIES), probabilities >= [0.9, 0.1])
    copy.save(tmp_path / "it.mlstm")
    loaded = NetworkClassifier.load(tmp_path / "it.mlstm")
    assert loaded.thresholds_ == (0.9, 0.1)
    np.testing.assert_array_equal(loaded.predict(SERIES), copy.predict(SERIES))
    np.testing.assert_allclose(loaded.predict_proba(SERIES), probabilities, atol=1e-6)
    assert labelled.thresholds_ == (0.5, 0.5)
    for wrong in ([0.5], 1.5, [0.5, -1]):
        with pytest.raises(ValueError, match=r"must be a number in \[0, 1\], or one for each of 2"):
            copy.thresholds_ = wrong


@pytest.mark.parametrize("kind", ["labelled", "measured"])
def test_exports_give_the_same(kind, request, tmp_path):
    pytest.importorskip("onnx")
    estimator = request.getfixturevalue(kind)
    artifact = export.load(estimator.export(tmp_path / "it.onnx", X=SERIES))
    expected = estimator.predict_proba(SERIES) if kind == "labelled" else estimator.predict(SERIES)
    np.testing.assert_allclose(artifact.outputs(SERIES), expected, rtol=1e-3, atol=1e-4)
    assert artifact.labels == ([0, 1] if kind == "labelled" else None)
    assert artifact.thresholds == ([0.5, 0.5] if kind == "labelled" else None)


def test_training_goes_on_with_as_many_labels(labelled):
    first = classifier(n_epochs=1, warm_start=True).fit(SERIES, TWO)
    one_hot = np.eye(2, dtype=int)[np.arange(60) % 2]
    assert first.fit(SERIES, one_hot).partial_fit(SERIES, one_hot).predict(SERIES).shape == (60, 2)
    assert classifier().partial_fit(SERIES, TWO).partial_fit(SERIES, TWO).n_epochs_ == 2
    tuned = labelled.fine_tune(SERIES, MARKS, n_epochs=1)
    assert tuned.predict(SERIES).shape == (60, 3)
    with pytest.raises(ValueError, match="must have a column for each of 2 labels, as in fit"):
        first.fit(SERIES, MARKS)
    with pytest.raises(ValueError, match="must be a matrix of 0 and 1 with a row for each case"):
        labelled.score(SERIES, TWO[:, 0])


def test_cards_tell_of_labels_and_numbers(labelled, measured):
    card = labelled.model_card(SERIES, TWO)
    assert "a probability for each of 2 labels, of which a case may have any number" in card
    assert f"all labels right in {labelled.score(SERIES, TWO):.4f}" in card
    assert "2 numbers, in the units of the targets" in measured.model_card(SERIES, NUMBERS)


def softmax_in_any_case(input_shape, n_outputs):
    series = keras.Input(input_shape)
    return keras.Model(series, keras.layers.Dense(n_outputs, "softmax")(keras.layers.Flatten()(series)))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"class_weight": "balanced"}, "set `class_weight=None`, and give `sample_weight` to weight cases"),
        ({"class_weight": {0: 1.0, 1: 2.0}}, "set `class_weight=None`, and give `sample_weight`"),
        ({"network": softmax_in_any_case, "network_params": None}, "end it with `activation='sigmoid'`"),
    ],
)
def test_what_several_labels_cannot_have_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        classifier(**parameters).fit(SERIES, TWO)


def test_a_network_of_the_users_gets_the_activation():
    def own(input_shape, n_outputs, activation):
        assert activation == "sigmoid"
        series = keras.Input(input_shape)
        return keras.Model(series, keras.layers.Dense(n_outputs, activation)(keras.layers.Flatten()(series)))

    fitted = classifier(network=own, network_params=None, n_epochs=1).fit(SERIES, TWO)
    assert fitted.predict_proba(SERIES).shape == (60, 2)


def test_labels_of_each_case_are_not_for_what_knows_classes(labelled, measured):
    for estimator in (labelled, measured):
        with pytest.raises(ValueError, match="This explains the one class or number of each case; fit an"):
            explain.occlusion(estimator, SERIES[:2], size=8)
    assert explain.permutation_importance(labelled, SERIES, TWO, n_repeats=1).importances.shape == (2, 1)
    with pytest.raises(ValueError, match="`classes` are of one label a case"):
        classifier().partial_fit(SERIES, TWO, classes=[0, 1])
    with pytest.raises(ValueError, match="Targets must be one column, as those of fit"):
        classifier(n_epochs=1).fit(SERIES, TWO[:, 0], X_val=SERIES, y_val=TWO)


def test_the_papers_network_has_several_answers_too():
    small = {"filters": (4,), "kernel_sizes": (3,), "n_epochs": 1, "lstm_units": 2}
    assert MLSTMFCNClassifier(**small).fit(SERIES, MARKS).predict_proba(SERIES).shape == (60, 3)
    assert MLSTMFCNRegressor(**small).fit(SERIES, NUMBERS).predict(SERIES).shape == (60, 2)


# Several numbers.


def test_numbers_of_any_units_are_learnt_together(measured):
    predicted = measured.predict(SERIES)
    assert predicted.shape == (60, 2)
    assert r2_score(NUMBERS, predicted, multioutput="raw_values").min() > 0.8
    assert measured.score(SERIES, NUMBERS) == r2_score(NUMBERS, predicted)
    scores = cross_validate(measured, SERIES, NUMBERS, cv=2, scoring=["r2", "neg_root_mean_squared_error"])
    assert scores["test_r2"].shape == (2,)


def test_each_output_is_standardised_on_its_own():
    fitted = regressor(n_epochs=2).fit(SERIES[:40], NUMBERS[:40], X_val=SERIES[40:], y_val=NUMBERS[40:])
    mean, std = NUMBERS[:40].mean(axis=0), NUMBERS[:40].std(axis=0)
    scaled = [(values - mean) / std for values in (NUMBERS[40:], fitted.predict(SERIES[40:]))]
    assert fitted.history_["val_loss"][-1] == pytest.approx(mean_squared_error(*scaled), rel=1e-3)
    task = Regression.learn(NUMBERS[:40])
    np.testing.assert_allclose(
        task.decode(task.encode(NUMBERS) * task.unit[0] + task.unit[1]), NUMBERS, rtol=1e-5
    )
    assert Regression.learn(np.array([[1.0, 5.0], [3.0, 5.0]])) == Regression((2.0, 5.0), (1.0, 1.0))


def test_saved_regressors_of_several_numbers_predict_the_same(measured, tmp_path):
    measured.save(tmp_path / "it.keras")
    loaded = NetworkRegressor.load(tmp_path / "it.keras")
    np.testing.assert_allclose(loaded.predict(SERIES), measured.predict(SERIES), rtol=1e-6)
    assert loaded.fitted_.task == measured.fitted_.task
    assert loaded.fine_tune(SERIES, NUMBERS, n_epochs=1).predict(SERIES).shape == (60, 2)


def test_random_convolutions_solve_several_numbers_as_they_solve_each():
    parameters = {"network": "multirocket", "network_params": {"n_thresholds": 168, "max_dilations": 2}}
    both = regressor(**parameters).fit(SERIES, NUMBERS)
    assert r2_score(NUMBERS, both.predict(SERIES), multioutput="raw_values").min() > 0.8


def test_the_number_of_columns_is_that_of_fit(measured):
    with pytest.raises(ValueError, match=r"`y` must have 2 columns, as in fit. Received: shape=\(60, 3\)"):
        measured.fine_tune(SERIES, MARKS.astype(float))
    with pytest.raises(ValueError, match="`y` must have 1 columns, as in fit"):
        regressor(n_epochs=1).fit(SERIES, NUMBERS[:, 0], X_val=SERIES, y_val=NUMBERS)
    assert regressor(n_epochs=1).fit(SERIES, NUMBERS[:, :1]).predict(SERIES).shape == (60,)
    with pytest.raises(ValueError, match="Every target must be a finite number"):
        regressor(n_epochs=1).fit(SERIES, np.where(NUMBERS > 1e3, np.inf, NUMBERS))


# Random convolutions, and votes of ways to train.


def test_random_convolutions_solve_several_labels_with_a_probability_for_each():
    parameters = {"network": "multirocket", "network_params": {"n_thresholds": 168, "max_dilations": 2}}
    fitted = classifier(**parameters).fit(SERIES[:40], TWO[:40], X_val=SERIES[40:], y_val=TWO[40:])
    probabilities, truth = fitted.predict_proba(SERIES[40:]), TWO[40:]
    assert roc_auc_score(truth, probabilities) > 0.9
    likely = np.where(truth == 1, probabilities, 1 - probabilities)
    assert fitted.history_["val_loss"][-1] == pytest.approx(-np.log(likely).mean(), rel=1e-4)
    assert fitted.history_["val_binary_accuracy"][-1] == pytest.approx((likely > 0.5).mean())
    alone = NetworkClassifier(**{**SMALL, **parameters}).fit(SERIES[:40], TWO[:40, 0])
    same = classifier(**parameters).fit(SERIES[:40], np.c_[TWO[:40, 0], 1 - TWO[:40, 0], TWO[:40, 0]])
    chosen = same.predict_proba(SERIES[40:])[:, 0] > 0.5
    np.testing.assert_array_equal(chosen, alone.predict(SERIES[40:]))  # one label alone is two classes
    figures = same.history_["leave_one_out_binary_accuracy"], alone.history_["leave_one_out_accuracy"]
    assert figures[0] == pytest.approx(figures[1])


@pytest.mark.parametrize("task", [MultiLabel((0.5, 0.5)), Regression((0.0, 0.0), (1.0, 1.0))])
def test_a_way_to_train_counts_by_what_it_explains_of_several_answers(task):
    data = Dataset([SERIES], TWO.astype(np.float32), np.ones(60, np.float32))
    judged = judged_cases(Recipe(n_members=3, vote="worth"), ["gradient"] * 3, data, task, RngSpec(0))
    assert len(judged) == 20  # a third at random: no column is a class
    perfect, useless = TWO.astype(float), np.broadcast_to(TWO.mean(axis=0), TWO.shape)
    assert worths(["gradient", "ridge"], [perfect, useless], data, task) == pytest.approx([1, 0])
