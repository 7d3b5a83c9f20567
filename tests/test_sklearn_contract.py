"""scikit-learn's tools work on the estimators, with the outcome that they promise."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.callback import ProgressBar
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    check_cv,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, NetworkClassifier
from mlstm_fcn.estimators.epoch_tasks import EpochTasks
from mlstm_fcn.fitting import members

LEARNS = {"filters": (8, 16, 8), "reduction": 4, "n_epochs": 25, "batch_size": 8, "learning_rate": 0.01}


@pytest.fixture
def classifier():
    return MLSTMFCNClassifier(**LEARNS, random_state=0)


@pytest.fixture(scope="module")
def data(basic_motions):
    return basic_motions.X_train, basic_motions.y_train


def test_kinds_are_told_so_folds_are_stratified(classifier, data):
    assert is_classifier(classifier)
    assert is_regressor(MLSTMFCNRegressor())
    assert isinstance(check_cv(2, data[1], classifier=is_classifier(classifier)), StratifiedKFold)


def test_a_fit_without_a_seed_is_told_to_differ_from_another():
    assert get_tags(MLSTMFCNClassifier()).non_deterministic
    tags = get_tags(MLSTMFCNClassifier(random_state=0))
    assert not tags.non_deterministic
    assert tags.input_tags.three_d_array
    assert tags.input_tags.allow_nan


def test_clone_has_the_parameters_and_is_not_fitted(classifier, data):
    fitted = clone(classifier).set_params(n_epochs=1).fit(*data)
    check_is_fitted(fitted)
    twin = clone(fitted)
    assert twin.get_params() == fitted.get_params()
    with pytest.raises(sklearn.exceptions.NotFittedError):
        check_is_fitted(twin)


def test_pipeline_knows_classes_and_probabilities(classifier, data, basic_motions):
    pipeline = make_pipeline(FunctionTransformer(np.negative), classifier).fit(*data)
    assert pipeline.classes_.tolist() == ["Badminton", "Running", "Standing", "Walking"]
    assert pipeline.score(basic_motions.X_test, basic_motions.y_test) > 0.8
    np.testing.assert_allclose(pipeline.predict_proba(data[0]).sum(axis=1), 1)


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_grid_search_finds_the_setting_that_learns(n_jobs, classifier, data, basic_motions):
    search = GridSearchCV(classifier, {"n_epochs": [1, 25]}, cv=2, n_jobs=n_jobs).fit(*data)
    assert search.best_params_ == {"n_epochs": 25}
    assert search.score(basic_motions.X_test, basic_motions.y_test) > 0.8


def test_randomized_search_over_nested_parameters(classifier, data):
    pipeline = Pipeline([("same", FunctionTransformer()), ("net", classifier)])
    search = RandomizedSearchCV(
        pipeline, {"net__learning_rate": [1e-6, 0.01]}, n_iter=2, cv=2, scoring="neg_log_loss", random_state=0
    )
    assert search.fit(*data).best_params_ == {"net__learning_rate": 0.01}


def test_cross_validation(classifier, data):
    assert cross_val_score(classifier, *data, cv=2).mean() > 0.8
    probabilities = cross_val_predict(classifier, *data, cv=2, method="predict_proba")
    assert probabilities.shape == (40, 4)
    assert (np.unique(data[1])[probabilities.argmax(axis=1)] == data[1]).mean() > 0.8


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_voting(voting, classifier, data, basic_motions):
    members = [("mlstm", classifier), ("fcn", NetworkClassifier(network="fcn", n_epochs=15, random_state=0))]
    ensemble = VotingClassifier(members, voting=voting).fit(*data)
    assert ensemble.score(basic_motions.X_test, basic_motions.y_test) > 0.8


def test_stacking(classifier, data, basic_motions):
    ensemble = StackingClassifier([("net", classifier)], LogisticRegression(), cv=2).fit(*data)
    assert ensemble.score(basic_motions.X_test, basic_motions.y_test) > 0.8


def test_calibration(classifier, data, basic_motions):
    calibrated = CalibratedClassifierCV(classifier, cv=2, ensemble=False).fit(*data)
    assert calibrated.score(basic_motions.X_test, basic_motions.y_test) > 0.8
    np.testing.assert_allclose(calibrated.predict_proba(basic_motions.X_test).sum(axis=1), 1)


def test_routed_weights_and_validation_data_reach_fit(classifier, data, basic_motions):
    """The weights hide half of the labels, which are wrong; the validation set shows in the history."""
    X, y = data
    believed = np.arange(40) % 2 == 0
    wrong = np.where(believed, y, np.roll(y, 10))
    with sklearn.config_context(enable_metadata_routing=True):
        classifier.set_fit_request(sample_weight=True, X_val=True, y_val=True)
        pipeline = Pipeline([("same", FunctionTransformer()), ("net", classifier)])
        pipeline.fit(
            X,
            wrong,
            sample_weight=np.where(believed, 1.0, 1e-6),
            X_val=basic_motions.X_test,
            y_val=basic_motions.y_test,
        )
    assert pipeline.score(X, y) > 0.8
    assert pipeline["net"].history_["val_accuracy"][-1] > 0.8


@pytest.mark.filterwarnings("ignore:The estimator FunctionTransformer does not support callbacks")
def test_scikit_learns_progress_bar_sees_every_epoch_inside_a_pipeline(classifier, data):
    seen = []

    class Note(ProgressBar):
        def on_fit_task_end(self, estimator, context, **others):
            seen.append((type(estimator).__name__, context.task_name))
            return super().on_fit_task_end(estimator, context, **others)

    classifier.set_params(n_epochs=3)
    make_pipeline(FunctionTransformer(), classifier).set_callbacks(Note()).fit(*data)
    assert seen.count(("MLSTMFCNClassifier", "epoch")) == 3


def test_scikit_learns_progress_bar_is_told_the_epochs_of_all_members(classifier, data, monkeypatch):
    told = []

    def noted(tasks, estimator, n_epochs, *data):
        told.append(n_epochs)
        begin(tasks, estimator, n_epochs, *data)

    begin = EpochTasks.__init__
    monkeypatch.setattr(EpochTasks, "__init__", noted)
    monkeypatch.setattr(members, "train", lambda *given, history, **more: history.update(loss=[0.0]))
    classifier.set_params(n_epochs=7, n_members=3).fit(*data)
    assert told == [21]


def test_representations(classifier):
    assert repr(classifier).startswith("MLSTMFCNClassifier(")
    assert "MLSTMFCNClassifier" in classifier._repr_html_()


def test_output_containers_do_not_matter_to_it(classifier, data):
    with sklearn.config_context(transform_output="pandas"):
        prediction = classifier.set_params(n_epochs=1).fit(*data).predict(data[0])
    assert isinstance(prediction, np.ndarray)
