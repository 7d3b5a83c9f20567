"""Benchmarks: failures, resumed runs, plans and processes."""

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

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, benchmark, datasets, models
from mlstm_fcn.benchmark import Failure, Folder, Limits, Result, RunKey, make_plan, process, resolve, run
from mlstm_fcn.benchmark.result import Job
from tests.counting import Counting, fits, processes
from tests.results import result


@pytest.fixture
def log(tmp_path):
    return tmp_path / "fits.log"


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


def test_a_second_run_does_only_the_missing_fits(tmp_path, log):
    estimator = {"counting": Counting(str(log))}
    run(["UnitTest"], estimator, tmp_path / "r", n_resamples=2)
    table = run(["UnitTest"], estimator, tmp_path / "r", n_resamples=3)
    assert len(fits(log)) == 3
    assert table["resample"].tolist() == [0, 1, 2]


def test_killed_fits_are_repeated_and_errors_only_with_retry(tmp_path, log):
    folder, estimators = Folder(tmp_path), resolve({"counting": Counting(str(log))})
    for number, kind in enumerate(("error", "killed", "time")):
        folder.keep(Failure(RunKey("counting", "UnitTest", number), kind, "a message"))
    plan = make_plan(["UnitTest"], estimators, 4, folder)
    assert [job.key.resample for job in plan.jobs] == [1, 3]
    assert plan.n_failed == 2
    assert len(make_plan(["UnitTest"], estimators, 4, folder, retry=True).jobs) == 4
    folder.keep(result(RunKey("counting", "UnitTest", 0)))
    assert RunKey("counting", "UnitTest", 0) not in folder.failures()


def test_results_of_a_different_estimator_under_the_same_name_are_refused(tmp_path, log):
    run(["UnitTest"], {"a": DummyClassifier()}, tmp_path)
    with pytest.raises(ValueError, match=r"results of a different 'a'.*strategy='uniform'"):
        run(["UnitTest"], {"a": DummyClassifier(strategy="uniform")}, tmp_path)
    with pytest.raises(ValueError, match="results of a different 'a'"):
        run(["UnitTest"], {"a": DummyClassifier()}, tmp_path, resampled=False)
    with pytest.raises(ValueError, match="results of a different 'a'"):
        make_plan(["UnitTest"], resolve({"a": DummyClassifier(constant=1)}), 1, Folder(tmp_path))


@pytest.fixture
def stored(tmp_path):
    """A folder with a result of a network, and the path of its stored fingerprint."""
    folder = Folder(tmp_path)
    folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True)
    folder.keep(result())
    return folder, tmp_path / "a" / "estimator.json"


def changed(path, change):
    """Change a stored fingerprint."""
    about = json.loads(path.read_text())
    change(about)
    path.write_text(json.dumps(about))


@pytest.mark.parametrize("name", ["recipe.batch_size", "recipe.augmentation", "recipe.optimizer"])
def test_a_recipe_field_that_is_newer_than_the_results_counts_as_its_default(stored, name):
    folder, path = stored
    before = path.read_text()
    changed(path, lambda about: about.pop(name))
    folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True, write_fingerprints=False)
    assert name not in path.read_text()
    folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True)
    assert path.read_text() == before  # so that a later change of the default is noticed
    assert folder.results()


def test_a_newer_recipe_field_that_is_not_at_its_default_is_refused(stored):
    folder, path = stored
    changed(path, lambda about: about.pop("recipe.n_epochs"))
    with pytest.raises(ValueError, match=r"stored={'recipe\.n_epochs': 'None'}, current={.*: '3'}"):
        folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True)


@pytest.mark.parametrize("name", ["recipe.batch_size", "recipe.no_longer_a_field", "estimator", "split"])
def test_a_stored_value_that_differs_is_refused(stored, name):
    folder, path = stored
    changed(path, lambda about: about.update({name: "17"}))
    with pytest.raises(ValueError, match="results of a different 'a'.*stored={'" + name + "': '17'}"):
        folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_fingerprint_is_refused(stored, text):
    folder, path = stored
    path.write_text(text)
    with pytest.raises(ValueError, match=r"estimator\.json is damaged"):
        folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True)


def test_shards_are_a_partition_that_does_not_change(tmp_path):
    estimators, folder = resolve({"a": DummyClassifier(), "b": DummyClassifier()}), Folder(tmp_path)
    problems = ["UnitTest", "BasicMotions"]
    parts = [make_plan(problems, estimators, 3, folder, shard=(i, 3)).jobs for i in (1, 2, 3)]
    cases = [job.key for part in parts for job in part]
    assert len(cases) == len(set(cases)) == 12
    for n_parts in (2, 3, 4):
        for i in range(1, n_parts + 1):  # every shard has fits of every estimator
            part = make_plan(problems, estimators, 3, folder, shard=(i, n_parts)).jobs
            assert {job.key.estimator for job in part} == {"a", "b"}
            assert abs(len(part) - 12 / n_parts) < 1
    folder.keep(result(parts[0][0].key))
    assert [job.key for job in make_plan(problems, estimators, 3, folder, shard=(2, 3)).jobs] == [
        job.key for job in parts[1]
    ]


@pytest.mark.parametrize(
    ("problems", "n_resamples", "message"),
    [
        ([], 1, "must be at least one data set"),
        (["UnitTest", "UnitTest"], 1, "different names"),
        (["../UnitTest"], 1, "letters, digits"),
        (["UnitTest"], 0, "positive integer"),
    ],
)
def test_wrong_plans_are_refused(tmp_path, problems, n_resamples, message):
    with pytest.raises(ValueError, match=message):
        make_plan(problems, resolve([DummyClassifier()]), n_resamples, Folder(tmp_path))


def test_results_of_different_data_under_the_same_name_are_refused(tmp_path):
    first, other = (datasets.synthetic.make("pattern", n_test=16, random_state=seed) for seed in (0, 1))
    run([first], [DummyClassifier()], tmp_path)
    table = run([first], {"other": DummyClassifier(strategy="uniform")}, tmp_path)
    assert table["data"].tolist() == [first.digest()] * 2
    with pytest.raises(
        ValueError, match=f"results of different data named 'pattern'.*current='{other.digest()}'"
    ):
        run([other], [DummyClassifier()], tmp_path)


def test_a_digest_covers_all_series_and_labels():
    problem = datasets.load("UnitTest")
    series = problem.X_test.copy()
    series[3, 0, 7] += 1e-3
    others = [
        replace(problem, X_test=series),
        replace(problem, y_test=problem.y_test[::-1]),
        replace(problem, X_test=list(problem.X_test)[::-1]),
    ]
    assert datasets.load("UnitTest").digest() == problem.digest()
    assert len({problem.digest(), *(other.digest() for other in others)}) == 4


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


def test_an_estimate_is_the_mean_of_stored_times_or_counts_operations(tmp_path):
    folder, estimators = Folder(tmp_path), resolve({"d": DummyClassifier(), **{"fcn": "fcn"}})
    folder.keep(result(RunKey("d", "UnitTest", 0)))
    plan = make_plan(["UnitTest", "BasicMotions"], estimators, 3, folder)
    estimates = benchmark.estimated_seconds(plan).set_index("estimator")
    assert estimates.loc["d"].tolist() == [5, 2 * 1.5, 3]
    assert estimates.loc["fcn", "fits_of_unknown_time"] == 0
    assert estimates.loc["fcn", "seconds"] > 6 * 6


def test_counted_operations_are_those_of_all_epochs_forwards_and_backwards(tmp_path, monkeypatch):
    monkeypatch.setattr("mlstm_fcn.benchmark.plan._operations_per_second", lambda: 1e6)
    small = {"network_params": {"filters": (4,), "kernel_sizes": (3,)}, "n_epochs": 7}
    estimators = resolve({str(n): NetworkClassifier(network="fcn", n_members=n, **small) for n in (1, 2)})
    plan = make_plan(["BasicMotions"], estimators, 1, Folder(tmp_path))
    estimates = benchmark.estimated_seconds(plan)["seconds"] - 6.0
    flops = models.cost(models.build("fcn", (100, 6), 4, **small["network_params"])).flops
    assert estimates.tolist() == pytest.approx([3 * flops * 40 * 7 / 1e6, 2 * 3 * flops * 40 * 7 / 1e6])


def test_a_plan_and_a_table_include_all_stored_results(tmp_path):
    folder = Folder(tmp_path)
    estimators = resolve({f"e{i}": DummyClassifier() for i in range(3)})
    for one in estimators:
        for number in range(20):
            folder.keep(result(RunKey(one.name, "UnitTest", number)))
    plan = make_plan(["UnitTest"], estimators, 25, folder)
    assert (plan.n_done, len(plan.jobs), plan.n_fits) == (60, 15, 75)
    assert len(folder.table()) == 60


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


def test_a_renamed_folder_is_a_different_estimator(tmp_path):
    Folder(tmp_path).keep(result())
    (tmp_path / "a").rename(tmp_path / "old")
    Folder(tmp_path).keep(result())
    assert Folder(tmp_path).table()["estimator"].tolist() == ["a", "old"]


def test_an_estimator_without_results_may_be_changed(tmp_path, log):
    for _ in range(2):
        assert run(["UnitTest"], {"a": Counting(str(log), do="raise")}, tmp_path).empty
    assert len(fits(log)) == 1  # an error is not repeated ...
    (table,) = run(["UnitTest"], {"a": Counting(str(log))}, tmp_path).itertuples()
    assert table.estimator == "a"  # ... except for a different estimator
    assert not Folder(tmp_path).failures()


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


# Other engines.


@pytest.mark.slow
def test_ray_does_all(tmp_path):
    pytest.importorskip("ray")
    table = run(["UnitTest"], [DummyClassifier()], tmp_path, n_resamples=3, engine="ray", n_jobs=2)
    assert table["resample"].tolist() == [0, 1, 2]
