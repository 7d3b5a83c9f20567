"""Results of fits: files, metrics and rows of the table."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import fbeta_score, log_loss, roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from mlstm_fcn import Engine, benchmark, datasets
from mlstm_fcn.benchmark import Folder, Result, RunKey, evaluation, resolve, run, tsml
from mlstm_fcn.benchmark.result import metrics
from tests import counting
from tests.counting import Counting, fits
from tests.results import result

log = counting.log


def test_a_result_file_round_trips(tmp_path):
    folder = Folder(tmp_path)
    folder.keep(result())
    (path,) = folder.results().values()
    assert path == tmp_path / "a" / "Predictions" / "p" / "testResample0.csv"
    again = benchmark.read(path)
    assert (again.key, again.labels, again.fit_seconds) == (RunKey("a", "p", 0), ["x", "y", "z"], 1.5)
    np.testing.assert_array_equal(again.probabilities, result().probabilities)
    np.testing.assert_array_equal(again.y_true, result().y_true)


def test_the_file_is_in_the_format_of_tsml(tmp_path):
    """Read by the rules of the format, without this package's reader."""
    one = result(n=9)
    problem, lines = "p", tsml.text(one).splitlines()
    assert lines[0].split(",")[:5] == [problem, "a", "TEST", "0", "MILLISECONDS"]
    third = lines[2].split(",")
    assert len(third) == 9
    assert [float(third[i]) for i in (1, 2, 3, 4, 5, 7, 8)] == [1500, 250, -1, 1000, 3, -1, -1]
    right = 0
    for line in lines[3:]:
        true, predicted, empty, *probabilities = line.split(",")
        values = [float(probability) for probability in probabilities]
        assert (empty, len(values)) == ("", 3)
        assert sum(values) == pytest.approx(1, abs=1e-12)
        assert int(predicted) == int(np.argmax(values))
        right += true == predicted
    assert float(third[0]) == right / 9


def test_tsml_eval_reads_the_file(tmp_path):
    loading = pytest.importorskip("tsml_eval.evaluation.storage.classifier_results")
    validation = pytest.importorskip("tsml_eval.utils.results_validation")
    Folder(tmp_path).keep(result(n=30))
    path = tmp_path / "a" / "Predictions" / "p" / "testResample0.csv"
    assert validation.validate_results_file(path)
    read = loading.load_classifier_results(path)  # checks the accuracy itself
    assert (read.dataset_name, read.classifier_name, read.resample_id) == ("p", "a", 0)
    assert read.accuracy == metrics(result(n=30))["accuracy"]


def test_result_files_of_other_programs_are_read_too(tmp_path):
    path = tmp_path / "hc2" / "Predictions" / "p" / "testResample3.csv"
    path.parent.mkdir(parents=True)
    path.write_text(
        "p,hc2,TEST,3,MILLISECONDS,\nNo Parameter Info\n0.5,20.0,10.0,-1,7,2,,-1,-1\n0,0,,1,0\n1,0,,0.6,0.4\n"
    )
    table = Folder(tmp_path).table()
    assert table.loc[0, ["estimator", "resample", "accuracy", "fit_seconds"]].tolist() == [
        "hc2",
        3,
        0.5,
        0.02,
    ]
    assert benchmark.read(path).labels == ["0", "1"]


@pytest.mark.parametrize(("unit", "second"), [("MILLISECONDS", 1e3), ("nanoseconds", 1e9), ("SECONDS", 1)])
def test_times_have_the_unit_of_the_first_line(unit, second, tmp_path):
    path = tmp_path / "it.csv"
    path.write_text(f"p,a,TEST,3,{unit},\n{{}}\n0.5,{20 * second},{10 * second},-1,7,2\n0,0,,1,0\n")
    read = benchmark.read(path)
    assert (read.fit_seconds, read.predict_seconds) == pytest.approx((20, 10))


@pytest.mark.parametrize("text", ["", "one line\n", "p,a,TEST,0,MILLISECONDS\n{}\nnot,numbers\n"])
def test_a_file_in_another_format_is_refused(tmp_path, text):
    path = tmp_path / "a" / "Predictions" / "p" / "testResample0.csv"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ValueError, match="must be a result in tsml's format"):
        Folder(tmp_path).table()


def test_metrics_are_those_of_scikit_learn():
    one = result(n=30)
    figures = metrics(one)
    y, p = one.y_true, one.probabilities
    assert figures["f1"] == fbeta_score(y, p.argmax(1), beta=1, average="macro")
    assert figures["log_loss"] == pytest.approx(log_loss(y, p))
    assert figures["auroc"] == pytest.approx(roc_auc_score(y, p, multi_class="ovr"))


def test_metrics_are_those_of_their_definitions_where_classes_differ_in_size():
    y = np.array([0, 0, 0, 0, 0, 1, 1, 2])
    p = np.full((8, 3), 0.25) + 0.25 * np.eye(3)[[0, 0, 0, 0, 1, 1, 0, 0]]
    p[-1] = 0.699, 0.3, 0.001  # of the true class next to nothing
    figures = metrics(Result(RunKey("a", "p", 0), ["x", "y", "z"], y, p, 1.0, 1.0, 1))
    precision, recall = np.array([4 / 6, 1 / 2, 0]), np.array([4 / 5, 1 / 2, 0])
    assert figures["accuracy"] == 5 / 8
    assert figures["balanced_accuracy"] == pytest.approx(recall.mean())
    f1 = [2 * a * b / (a + b) if a + b else 0 for a, b in zip(precision, recall, strict=True)]
    assert figures["f1"] == pytest.approx(np.mean(f1))
    assert figures["log_loss"] == pytest.approx(-np.log(p[np.arange(8), y]).mean())


def test_auroc_of_two_classes_is_of_the_second():
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.3, 0.9])
    one = Result(RunKey("a", "p", 0), ["x", "y"], y, np.stack([1 - p, p], axis=1), 1.0, 1.0, 1)
    assert metrics(one)["auroc"] == 3 / 4  # of four pairs one is the wrong way round


def test_auroc_has_no_value_where_the_test_set_lacks_a_class():
    assert np.isnan(metrics(result(n=2))["auroc"])


def test_every_fit_leaves_a_row(tmp_path, log):
    table = run(["UnitTest", "BasicMotions"], {"counting": Counting(str(log))}, tmp_path, n_resamples=2)
    assert table[["estimator", "problem", "resample"]].to_numpy().tolist() == [
        ["counting", "BasicMotions", 0],
        ["counting", "BasicMotions", 1],
        ["counting", "UnitTest", 0],
        ["counting", "UnitTest", 1],
    ]
    assert table["accuracy"].between(0, 1).all()
    assert table["n_classes"].tolist() == [4, 4, 2, 2]
    assert "scikit-learn=" in table["versions"][0]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "results.csv"), table, check_dtype=False)


def test_a_tabular_classifier_reads_rows_and_the_seed_is_the_resample(tmp_path, log):
    run(["BasicMotions"], {"counting": Counting(str(log))}, tmp_path, n_resamples=2)
    assert fits(log) == ["(40, 600) 0", "(40, 600) 1"]


def test_rows_of_shorter_series_are_zero_at_the_end_of_each_channel():
    X = [np.array([[1.0, 2, 3], [4, 5, 6]]), np.array([[7.0], [8]])]
    assert evaluation._container(X, 2).tolist() == [[1, 2, 4, 5], [7, 0, 8, 0]]


def test_without_probabilities_that_of_the_predicted_class_is_one():
    labels = np.array(["a", "b", "c"])
    predicts = SimpleNamespace(predict=lambda X: np.array(["b", "a", "b"]))
    expected = [[0, 1, 0], [1, 0, 0], [0, 1, 0]]
    assert evaluation._probabilities(predicts, None, labels).tolist() == expected


class Backwards(DecisionTreeClassifier):
    """Has its classes and the columns of its probabilities in reverse order."""

    def fit(self, X, y):
        super().fit(X, y)
        self.labels_ = self.classes_
        self.classes_ = self.classes_[::-1]
        return self

    def predict_proba(self, X):
        return super().predict_proba(X)[:, ::-1]


@pytest.mark.parametrize("kind", [DecisionTreeClassifier, Backwards])
def test_a_result_has_the_predictions_of_the_classifier_on_that_split(tmp_path, kind):
    motions = datasets.load("BasicMotions")
    run(["BasicMotions"], {"tree": kind(max_depth=2)}, tmp_path, n_resamples=2)
    for case, path in Folder(tmp_path).results().items():
        split = motions.resample(case.resample)
        tree = DecisionTreeClassifier(max_depth=2, random_state=case.resample)
        tree.fit(split.X_train.reshape(40, -1), split.y_train)
        one = benchmark.read(path)
        assert np.array(one.labels)[one.y_true].tolist() == split.y_test.tolist()
        np.testing.assert_array_equal(one.probabilities, tree.predict_proba(split.X_test.reshape(40, -1)))
        assert one.labels == tree.classes_.tolist()


def test_networks_are_fitted_to_series_of_different_lengths(tmp_path):
    engine = Engine(precision="bfloat16")
    table = run(["JapaneseVowels"], resolve("fcn", n_epochs=1, engine=engine), tmp_path)
    assert table["network_parameters"][0] > 100_000
    assert table["precision"][0] == "bfloat16"
    assert 0 < table["accuracy"][0] <= 1


def test_seeds_alone_keep_the_split(tmp_path):
    motions = datasets.load("BasicMotions")
    run([motions], {"d": DummyClassifier(strategy="uniform")}, tmp_path, n_resamples=2, resampled=False)
    first, second = (benchmark.read(path) for _, path in sorted(Folder(tmp_path).results().items(), key=str))
    np.testing.assert_array_equal(first.y_true, second.y_true)
    labels = np.array(first.labels)
    np.testing.assert_array_equal(labels[first.y_true], motions.y_test)
