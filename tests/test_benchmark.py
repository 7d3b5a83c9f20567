"""A fit of a benchmark has a result or a recorded failure, and what goes wrong in it stays in it."""

import contextlib
import json
import os
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mlstm_fcn import MLSTMFCNClassifier, datasets
from mlstm_fcn.benchmark import Failure, Folder, Limits, Result, RunKey, process, resolve, run
from mlstm_fcn.benchmark.result import Job
from tests import counting
from tests.counting import Counting, fits, processes

log = counting.log


@pytest.mark.parametrize(
    ("do", "limits", "kind", "words"),
    [
        ("raise", Limits(), "error", "ArithmeticError: this one cannot"),
        ("hang", Limits(seconds=3), "time", "exceeded the time limit of 3 s"),
        ("grow", Limits(megabytes=1500), "memory", "over the limit of 1500 MB"),
        ("die", Limits(), "killed", "status 9"),
    ],
)
def test_a_failed_fit_is_recorded_and_the_others_continue(tmp_path, log, do, limits, kind, words):
    estimators = {"bad": Counting(str(log), do=do), "good": Counting(str(log))}
    table = run(["UnitTest"], estimators, tmp_path / "r", limits=limits)
    assert table["estimator"].tolist() == ["good"]
    (failure,) = Folder(tmp_path / "r").read_failures()
    assert (failure.key, failure.kind) == (RunKey("bad", "UnitTest", 0), kind)
    assert words in failure.message
    assert ("raise ArithmeticError" in failure.traceback) == (do == "raise")


@pytest.mark.parametrize("limits", [{"seconds": 0}, {"megabytes": -1.0}, {"threads": 0}])
def test_limits_must_be_positive(limits):
    with pytest.raises(ValueError, match="Limits must be positive"):
        Limits(**limits)


def test_a_missing_data_set_is_a_failure_of_its_fits(tmp_path):
    run(["UnitTest", "Nowhere"], [DummyClassifier()], tmp_path)
    (failure,) = Folder(tmp_path).read_failures()
    assert failure.key.problem == "Nowhere"
    assert "Nowhere" in failure.message


def test_an_unknown_engine_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`engine` must be one of 'loky', 'dask', 'ray'"):
        run(["UnitTest"], [DummyClassifier()], tmp_path, engine="spark")


def test_failures_are_plain_json(tmp_path):
    Folder(tmp_path).keep(Failure(RunKey("a", "p", 1), "error", "x", "y"))
    (path,) = Folder(tmp_path).failures().values()
    values = json.loads(path.read_text())
    assert SimpleNamespace(**values).kind == "error"
    path.write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        Folder(tmp_path).read_failures()


class Diverged(Counting):
    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), np.nan)


class OtherClasses(Counting):
    def fit(self, X, y):
        super().fit(X, y)
        self.classes_ = np.arange(len(self.classes_))
        return self


class Leaving(Counting):
    """Starts a process that never ends."""

    def fit(self, X, y):
        subprocess.Popen(["sleep", "600"])
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("kind", "words"), [(Diverged, "must be finite"), (OtherClasses, "only labels of the data")]
)
def test_invalid_probabilities_or_classes_are_a_failure(tmp_path, log, kind, words):
    assert run(["UnitTest"], {"bad": kind(str(log))}, tmp_path).empty
    (failure,) = Folder(tmp_path).read_failures()
    assert (failure.kind, words in failure.message) == ("error", True)


def test_a_data_set_of_one_class_has_a_result(tmp_path):
    motions = datasets.load("BasicMotions")
    one = replace(motions, y_train=np.full(40, "a"), y_test=np.full(40, "a"), name="One")
    table = run([one], [DummyClassifier()], tmp_path)
    assert table.loc[0, "accuracy"] == 1
    assert np.isnan(table.loc[0, ["log_loss", "auroc"]].astype(float)).all()


def test_a_regression_data_set_is_a_failure(tmp_path):
    assert run(["Covid3Month"], [DummyClassifier()], tmp_path).empty
    assert "must be for classification" in Folder(tmp_path).read_failures()[0].message


def test_processes_that_a_fit_starts_end_with_it(tmp_path, log):
    run(["UnitTest"], {"leaving": Leaving(str(log))}, tmp_path)
    (fit,) = processes(log)
    groups = []
    for one in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.Error):
            groups += [one.pid] * (os.getpgid(one.pid) == fit and one.status() != "zombie")
    assert groups == []


def test_rows_have_the_width_of_the_training_series(tmp_path, log):
    run(["JapaneseVowels"], {"counting": Counting(str(log))}, tmp_path)
    assert fits(log) == [f"(270, {12 * 26}) 0"]  # test series have up to 29 steps


def test_pipelines_and_searches_of_networks_read_series(tmp_path):
    inner = MLSTMFCNClassifier()
    for outer in (make_pipeline(FunctionTransformer(), inner), GridSearchCV(inner, {"n_epochs": [1]})):
        assert resolve([outer])[0].reads_series()
    assert not resolve([make_pipeline(FunctionTransformer(), DummyClassifier())])[0].reads_series()


def test_an_interrupted_fit_does_not_answer_for_the_next(tmp_path, log, monkeypatch):
    slow, quick = (
        Job(RunKey(n, "UnitTest", 0), resolve({n: e})[0], "UnitTest")
        for n, e in (("slow", Counting(str(log), seconds=3)), ("quick", Counting(str(log))))
    )
    assert isinstance(process.fit_in_subprocess(quick, Limits()), Result)  # the worker is ready

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(process.WorkerProcess, "_exceeded_limit", interrupt)
    with pytest.raises(KeyboardInterrupt):
        process.fit_in_subprocess(slow, Limits())
    monkeypatch.undo()
    assert process.fit_in_subprocess(quick, Limits()).key.estimator == "quick"


def test_where_the_system_cannot_fork_each_fit_has_a_new_process(tmp_path, log, monkeypatch):
    monkeypatch.setattr(process, "FORKS", False)
    run(["UnitTest"], {"counting": Counting(str(log))}, tmp_path, n_resamples=2)
    assert len(Folder(tmp_path).results()) == 2


@pytest.mark.slow
def test_ray_does_all(tmp_path):
    pytest.importorskip("ray")
    table = run(["UnitTest"], [DummyClassifier()], tmp_path, n_resamples=3, engine="ray", n_jobs=2)
    assert table["resample"].tolist() == [0, 1, 2]
