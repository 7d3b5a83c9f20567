"""Benchmarks: what is compared, what a fit leaves, what a second run does."""

import contextlib
import io
import json
import os
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pytest
from click.testing import CliRunner
from rich.console import Console
from sklearn.dummy import DummyClassifier
from sklearn.metrics import fbeta_score, log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, benchmark, datasets
from mlstm_fcn.benchmark import Case, Failure, Folder, Limits, Result, make_plan, named, process, run, tsml
from mlstm_fcn.benchmark.estimators import split
from mlstm_fcn.benchmark.result import Job, metrics
from mlstm_fcn.cli import main
from mlstm_fcn.cli.live import Live
from tests.counting import Counting, fits, processes


@pytest.fixture
def log(tmp_path):
    return tmp_path / "fits.log"


CASE = Case("a", "p", 0)


def result(case=CASE, labels=("x", "y", "z"), n=6, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(len(labels)), n)
    return Result(case, list(labels), np.arange(n) % len(labels), probabilities, 1.5, 0.25, 1000, {"seed": 0})


# What is compared.


def test_a_text_is_a_network_a_known_classifier_or_an_import_path():
    estimators = named(
        "fcn, mlstm_fcn, MR=sktime.classification.kernel_based.RocketClassifier(num_kernels=84, "
        "rocket_transform='minirocket'), sklearn.dummy.DummyClassifier",
        n_epochs=3,
    )
    assert [one.name for one in estimators] == ["fcn", "mlstm_fcn", "MR", "DummyClassifier"]
    fcn, mlstm_fcn, rocket, dummy = (one.estimator for one in estimators)
    assert isinstance(fcn, NetworkClassifier)
    assert (fcn.network, fcn.n_epochs) == ("fcn", 3)
    assert isinstance(mlstm_fcn, MLSTMFCNClassifier)
    assert (rocket.num_kernels, rocket.rocket_transform) == (84, "minirocket")
    assert isinstance(dummy, DummyClassifier)


def test_objects_have_the_names_of_a_mapping_or_of_their_classes():
    own = MLSTMFCNClassifier(n_epochs=2)
    (mine,) = named({"mine": own})
    assert (mine.name, mine.estimator.n_epochs) == ("mine", 2)
    assert mine.estimator is not own
    assert named([own])[0].name == "MLSTMFCNClassifier"


def test_commas_in_brackets_separate_nothing():
    assert split("a, b(c=(1, 2), d=[3, 4]),e") == ["a", "b(c=(1, 2), d=[3, 4])", "e"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mlstmfcn", "Did you mean 'mlstm_fcn'"),
        ("sklearn.dummy.DummyClassifier(open('x'))", "plain arguments"),
        ("sklearn.dummy.DummyClassifier(strategy=open('x'))", "plain arguments"),
        ("__import__('os').system('true')", "plain arguments"),
        ("sklearn.dummy.DummyClassifier(**{})", "plain arguments"),
        ("fcn,fcn", "different names"),
        ("../x=fcn", "import path|letters, digits"),
        ("", "must be an estimator"),
        ("sklearn.dummy.DummyClassifier(bad=1)", "cannot be made"),
        ("numpy.pi", "cannot be made"),
        ("..=fcn", "not begin with a point"),
        ("collections.OrderedDict", "`fit` and `predict`"),
    ],
)
def test_what_names_no_estimator_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        named(text)


def test_a_path_that_leads_nowhere_is_an_import_error():
    with pytest.raises(ImportError, match="There is no Dummy in"):
        named("sklearn.dummy.Dummy")
    with pytest.raises(ImportError, match="nowhere"):
        named("nowhere.Classifier")


def test_the_seed_reaches_every_random_state():
    pipeline = make_pipeline(DummyClassifier(strategy="uniform"))
    (one,) = named([pipeline])
    assert one.seeded(7).get_params()["dummyclassifier__random_state"] == 7
    assert one.estimator.get_params()["dummyclassifier__random_state"] is None


# What a fit leaves.


def test_the_file_of_a_result_gives_the_result_back(tmp_path):
    folder = Folder(tmp_path)
    folder.keep(result())
    (path,) = folder.results().values()
    assert path == tmp_path / "a" / "Predictions" / "p" / "testResample0.csv"
    again = benchmark.read(path)
    assert (again.case, again.labels, again.fit_seconds) == (Case("a", "p", 0), ["x", "y", "z"], 1.5)
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


def test_results_of_others_in_this_format_are_read_too(tmp_path):
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


@pytest.mark.parametrize("text", ["", "one line\n", "p,a,TEST,0,MILLISECONDS\n{}\nnot,numbers\n"])
def test_a_file_in_no_format_is_named(tmp_path, text):
    path = tmp_path / "a" / "Predictions" / "p" / "testResample0.csv"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(ValueError, match="is no result"):
        Folder(tmp_path).table()


def test_figures_are_those_of_scikit_learn():
    one = result(n=30)
    figures = metrics(one)
    y, p = one.y_true, one.probabilities
    assert figures["f1"] == fbeta_score(y, p.argmax(1), beta=1, average="macro")
    assert figures["log_loss"] == pytest.approx(log_loss(y, p))
    assert figures["auroc"] == pytest.approx(roc_auc_score(y, p, multi_class="ovr"))


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


def test_networks_are_fitted_to_series_of_different_lengths(tmp_path):
    table = run(["JapaneseVowels"], named("fcn", n_epochs=1), tmp_path)
    assert table["network_parameters"][0] > 100_000
    assert 0 < table["accuracy"][0] <= 1


def test_seeds_alone_keep_the_split(tmp_path):
    motions = datasets.load("BasicMotions")
    run([motions], {"d": DummyClassifier(strategy="uniform")}, tmp_path, n_resamples=2, resampled=False)
    first, second = (benchmark.read(path) for _, path in sorted(Folder(tmp_path).results().items(), key=str))
    np.testing.assert_array_equal(first.y_true, second.y_true)
    labels = np.array(first.labels)
    np.testing.assert_array_equal(labels[first.y_true], motions.y_test)


# What goes wrong, and a second run.


@pytest.mark.parametrize(
    ("do", "limits", "kind", "words"),
    [
        ("raise", Limits(), "error", "ArithmeticError: this one cannot"),
        ("hang", Limits(seconds=3), "time", "not done after 3 s"),
        ("grow", Limits(megabytes=1500), "memory", "more than 1500"),
        ("die", Limits(), "killed", "status 9"),
    ],
)
def test_a_fit_that_fails_is_noted_and_the_others_go_on(tmp_path, log, do, limits, kind, words):
    estimators = {"bad": Counting(str(log), do=do), "good": Counting(str(log))}
    table = run(["UnitTest"], estimators, tmp_path / "r", limits=limits)
    assert table["estimator"].tolist() == ["good"]
    (failure,) = Folder(tmp_path / "r").read_failures()
    assert (failure.case, failure.kind) == (Case("bad", "UnitTest", 0), kind)
    assert words in failure.message
    assert ("raise ArithmeticError" in failure.traceback) == (do == "raise")


def test_a_second_run_does_only_what_is_missing(tmp_path, log):
    estimator = {"counting": Counting(str(log))}
    run(["UnitTest"], estimator, tmp_path / "r", n_resamples=2)
    table = run(["UnitTest"], estimator, tmp_path / "r", n_resamples=3)
    assert len(fits(log)) == 3
    assert table["resample"].tolist() == [0, 1, 2]


def test_errors_are_not_repeated_unless_asked_for_and_killed_fits_always(tmp_path, log):
    folder, estimators = Folder(tmp_path), named({"counting": Counting(str(log))})
    for number, kind in enumerate(("error", "killed", "time")):
        folder.keep(Failure(Case("counting", "UnitTest", number), kind, "so it was"))
    plan = make_plan(["UnitTest"], estimators, 4, folder)
    assert [job.case.resample for job in plan.jobs] == [1, 3]
    assert plan.n_failed == 2
    assert len(make_plan(["UnitTest"], estimators, 4, folder, retry=True).jobs) == 4
    folder.keep(result(Case("counting", "UnitTest", 0)))
    assert Case("counting", "UnitTest", 0) not in folder.failures()


def test_a_name_stands_for_one_estimator(tmp_path, log):
    run(["UnitTest"], {"a": DummyClassifier()}, tmp_path)
    with pytest.raises(ValueError, match=r"results of another 'a'.*strategy='uniform'"):
        run(["UnitTest"], {"a": DummyClassifier(strategy="uniform")}, tmp_path)
    with pytest.raises(ValueError, match="results of another 'a'"):
        run(["UnitTest"], {"a": DummyClassifier()}, tmp_path, resampled=False)


def test_shards_are_a_partition_that_does_not_change(tmp_path):
    estimators, folder = named({"a": DummyClassifier(), "b": DummyClassifier()}), Folder(tmp_path)
    problems = ["UnitTest", "BasicMotions"]
    parts = [make_plan(problems, estimators, 3, folder, shard=(i, 3)).jobs for i in (1, 2, 3)]
    cases = [job.case for part in parts for job in part]
    assert len(cases) == len(set(cases)) == 12
    folder.keep(result(parts[0][0].case))
    assert [job.case for job in make_plan(problems, estimators, 3, folder, shard=(2, 3)).jobs] == [
        job.case for job in parts[1]
    ]


@pytest.mark.parametrize(
    ("problems", "n_resamples", "message"),
    [
        ([], 1, "must be a data set"),
        (["UnitTest", "UnitTest"], 1, "different names"),
        (["../UnitTest"], 1, "letters, digits"),
        (["UnitTest"], 0, "positive integer"),
    ],
)
def test_wrong_plans_are_refused(tmp_path, problems, n_resamples, message):
    with pytest.raises(ValueError, match=message):
        make_plan(problems, named([DummyClassifier()]), n_resamples, Folder(tmp_path))


def test_a_data_set_that_is_not_there_is_a_failure_of_its_fits(tmp_path):
    run(["UnitTest", "Nowhere"], [DummyClassifier()], tmp_path)
    (failure,) = Folder(tmp_path).read_failures()
    assert failure.case.problem == "Nowhere"
    assert "Nowhere" in failure.message


def test_an_unknown_engine_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`engine` must be one of 'loky', 'dask', 'ray'"):
        run(["UnitTest"], [DummyClassifier()], tmp_path, engine="spark")


def test_an_estimate_takes_the_mean_of_what_is_there_or_counts_operations(tmp_path):
    folder, estimators = Folder(tmp_path), named({"d": DummyClassifier(), **{"fcn": "fcn"}})
    folder.keep(result(Case("d", "UnitTest", 0)))
    plan = make_plan(["UnitTest", "BasicMotions"], estimators, 3, folder)
    told = benchmark.estimated_seconds(plan).set_index("estimator")
    assert told.loc["d"].tolist() == [5, 2 * 1.5, 3]
    assert told.loc["fcn", "fits_of_unknown_time"] == 0
    assert told.loc["fcn", "seconds"] > 6 * 6


def test_a_plan_and_a_table_take_all_that_is_there(tmp_path):
    folder = Folder(tmp_path)
    estimators = named({f"e{i}": DummyClassifier() for i in range(3)})
    for one in estimators:
        for number in range(20):
            folder.keep(result(Case(one.name, "UnitTest", number)))
    plan = make_plan(["UnitTest"], estimators, 25, folder)
    assert (plan.n_done, len(plan.jobs), plan.n_fits) == (60, 15, 75)
    assert len(folder.table()) == 60


def test_failures_are_plain_json(tmp_path):
    Folder(tmp_path).keep(Failure(Case("a", "p", 1), "error", "x", "y"))
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
    """Leaves a process behind that never ends."""

    def fit(self, X, y):
        subprocess.Popen(["sleep", "600"])
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("kind", "words"), [(Diverged, "must be finite"), (OtherClasses, "labels of the data")]
)
def test_a_result_that_is_none_is_a_failure(tmp_path, log, kind, words):
    assert run(["UnitTest"], {"bad": kind(str(log))}, tmp_path).empty
    (failure,) = Folder(tmp_path).read_failures()
    assert (failure.kind, words in failure.message) == ("error", True)


def test_a_data_set_of_one_class_has_a_result(tmp_path):
    motions = datasets.load("BasicMotions")
    one = replace(motions, y_train=np.full(40, "a"), y_test=np.full(40, "a"), name="One")
    table = run([one], [DummyClassifier()], tmp_path)
    assert table.loc[0, "accuracy"] == 1
    assert np.isnan(table.loc[0, ["log_loss", "auroc"]].astype(float)).all()


def test_numbers_to_predict_are_no_classes(tmp_path):
    assert run(["Covid3Month"], [DummyClassifier()], tmp_path).empty
    assert "numbers to predict" in Folder(tmp_path).read_failures()[0].message


def test_what_a_fit_leaves_ends_with_it(tmp_path, log):
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
        assert named([outer])[0].reads_series()
    assert not named([make_pipeline(FunctionTransformer(), DummyClassifier())])[0].reads_series()


def test_a_folder_that_was_renamed_is_another_estimator(tmp_path):
    Folder(tmp_path).keep(result())
    (tmp_path / "a").rename(tmp_path / "old")
    Folder(tmp_path).keep(result())
    assert Folder(tmp_path).table()["estimator"].tolist() == ["a", "old"]


def test_an_estimator_is_described_alike_in_every_process():
    (one,) = named({"a": MLSTMFCNClassifier(loss=lambda y, p: p, filters=tuple(range(1, 400)))})
    assert "0x" not in one.description
    assert "399" in one.description


def test_what_never_had_a_result_may_be_changed(tmp_path, log):
    run(["UnitTest"], {"a": Counting(str(log), do="raise")}, tmp_path)
    table = run(["UnitTest"], {"a": Counting(str(log))}, tmp_path)
    assert table.empty  # an error is left alone ...
    assert len(run(["UnitTest"], {"a": Counting(str(log))}, tmp_path, retry=True)) == 1


def test_an_interrupted_fit_gives_no_answer_to_the_next(tmp_path, log, monkeypatch):
    slow, quick = (
        Job(Case(n, "UnitTest", 0), named({n: e})[0], "UnitTest")
        for n, e in (("slow", Counting(str(log), seconds=3)), ("quick", Counting(str(log))))
    )
    assert isinstance(process.fit_apart(quick, Limits()), Result)  # the process is warm
    monkeypatch.setattr(process.Owner, "is_gone", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        process.fit_apart(slow, Limits(), process.Owner.me())
    monkeypatch.undo()
    assert process.fit_apart(quick, Limits()).case.estimator == "quick"


def test_where_the_system_cannot_fork_each_fit_has_a_new_process(tmp_path, log, monkeypatch):
    monkeypatch.setattr(process, "FORKS", False)
    run(["UnitTest"], {"counting": Counting(str(log))}, tmp_path, n_resamples=2)
    assert len(Folder(tmp_path).results()) == 2


# Other engines, and the command.


@pytest.mark.slow
def test_ray_does_all(tmp_path):
    pytest.importorskip("ray")
    table = run(["UnitTest"], [DummyClassifier()], tmp_path, n_resamples=3, engine="ray", n_jobs=2)
    assert table["resample"].tolist() == [0, 1, 2]


def command(*arguments):
    return CliRunner().invoke(main, ["benchmark", "--datasets", "UnitTest,BasicMotions", *arguments])


def test_the_command_says_what_it_would_do_and_does_it(tmp_path):
    arguments = [
        "--estimators",
        "fcn,sklearn.dummy.DummyClassifier",
        "--output",
        str(tmp_path),
        "--epochs",
        "1",
    ]
    said = command(*arguments, "--dry-run")
    assert said.exit_code == 0, said.output
    assert (
        "4 fits: 2 data sets, 2 estimators, 1 resamples. 0 are done, 0 have failed, 4 are to do."
        in said.output
    )
    assert "fcn: 2 fits, about 0." in said.output
    assert "DummyClassifier: 2 fits, about 0.0 minutes, and 2 of unknown time" in said.output
    assert list(tmp_path.iterdir()) == []
    said = command(*arguments)
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert sum(line.startswith(("UnitTest ", "BasicMotions ")) for line in lines) == 4
    assert "4 results are in" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shard", "3/2"], "`--shard` must be I/N"),
        (["--estimators", "nowhere.X"], "No module named 'nowhere'"),
        (["--jobs", "0"], "`jobs` must be a positive integer"),
        (["--resamples", "0"], "`n_resamples` must be a positive integer"),
    ],
)
def test_wrong_arguments_get_a_sentence(tmp_path, arguments, message):
    said = command("--output", str(tmp_path / "r"), *arguments)
    assert said.exit_code == 1
    assert message in said.output
    assert not (tmp_path / "r").exists()


def test_the_live_table_counts(tmp_path):
    estimators = named({"a": DummyClassifier(), "b": DummyClassifier()})
    live = Live(make_plan(["UnitTest"], estimators, 3, Folder(tmp_path)))
    live.add(result(Case("a", "UnitTest", 0)))
    live.add(Failure(Case("b", "UnitTest", 0), "time", "too long"))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(live._table())
    rows = [line.split() for line in console.export_text().splitlines()]
    accuracy = f"{metrics(result())['accuracy']:.4f}"
    assert ["│", "a", "│", "1", "│", "2", "│", "0", "│", accuracy, "│"] in rows
    assert ["│", "b", "│", "0", "│", "2", "│", "1", "│", "│"] in rows
