"""sktime's pipelines, searches and benchmarks run the classifier. Its checks: test_sktime_contract."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score
from sklearn.model_selection import KFold
from sktime.benchmarking.classification import ClassificationBenchmark
from sktime.classification.ensemble import BaggingClassifier, WeightedEnsembleClassifier
from sktime.classification.model_evaluation import evaluate
from sktime.classification.model_selection import TSCGridSearchCV
from sktime.transformations.series.impute import Imputer

from mlstm_fcn import MLSTMFCNClassifier

LEARNS = {"filters": (8, 16, 8), "reduction": 4, "n_epochs": 25, "batch_size": 8, "learning_rate": 0.01}


@pytest.fixture
def classifier():
    return MLSTMFCNClassifier(**LEARNS, random_state=0)


def test_pipeline_of_an_imputer_and_the_classifier(classifier, basic_motions, rng):
    holes = np.where(rng.random((40, 6, 100)) < 0.1, np.nan, basic_motions.X_train)
    pipeline = Imputer(method="linear") * classifier.set_params(missing="error")
    pipeline.fit(holes, basic_motions.y_train)
    assert (pipeline.predict(basic_motions.X_test) == basic_motions.y_test).mean() > 0.8


def test_grid_search_finds_the_setting_that_learns(classifier, basic_motions):
    search = TSCGridSearchCV(classifier, {"n_epochs": [1, 25]}, cv=KFold(2, shuffle=True, random_state=0))
    search.fit(basic_motions.X_train, basic_motions.y_train)
    assert search.best_params_ == {"n_epochs": 25}


def test_weighted_ensemble(classifier, basic_motions):
    members = [("one", classifier), ("other", classifier.clone().set_params(random_state=1))]
    ensemble = WeightedEnsembleClassifier(members).fit(basic_motions.X_train, basic_motions.y_train)
    assert (ensemble.predict(basic_motions.X_test) == basic_motions.y_test).mean() > 0.8


def test_bagging(classifier, basic_motions):
    """scikit-learn's bagging takes tables only; sktime's takes series."""
    ensemble = BaggingClassifier(classifier, n_estimators=2, random_state=0)
    ensemble.fit(basic_motions.X_train, basic_motions.y_train)
    assert (ensemble.predict(basic_motions.X_test) == basic_motions.y_test).mean() > 0.8


def test_classification_benchmark(classifier, basic_motions, tmp_path):
    benchmark = ClassificationBenchmark()
    benchmark.add_estimator(classifier, estimator_id="mlstm_fcn")
    benchmark.add_task(
        lambda: (basic_motions.X_train, basic_motions.y_train),
        KFold(2, shuffle=True, random_state=0),
        [accuracy_score],
        task_id="motions",
    )
    results = benchmark.run(tmp_path / "results.csv")
    assert results["accuracy_score_mean"].item() > 0.6


def test_evaluate(classifier, basic_motions):
    results = evaluate(
        classifier,
        cv=KFold(2, shuffle=True, random_state=0),
        X=basic_motions.X_train,
        y=basic_motions.y_train,
    )
    assert len(results) == 2
    assert results["test_accuracy_score"].mean() > 0.6


def test_tags_are_true(classifier):
    tags = classifier.get_tags()
    for capability in ("multivariate", "unequal_length", "missing_values", "predict_proba", "class_weight"):
        assert tags[f"capability:{capability}"] is True
    assert tags["capability:random_state"] is True
    assert tags["property:randomness"] == "derandomized"
    assert not tags.get("non-deterministic", False)
    assert tags["python_dependencies"] == "keras>=3.12"  # whichever distribution brings the backend
