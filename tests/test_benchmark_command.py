"""`mlstm-fcn benchmark`, and its live progress."""

import io
import re
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from rich.console import Console
from sklearn.dummy import DummyClassifier

from mlstm_fcn.benchmark import Failure, Folder, RunKey, make_plan, resolve
from mlstm_fcn.benchmark.result import metrics
from mlstm_fcn.cli import main
from mlstm_fcn.cli.benchmark import benchmark
from mlstm_fcn.cli.live import Live
from tests.results import result


def command(*arguments):
    return CliRunner().invoke(main, ["benchmark", "--datasets", "UnitTest,BasicMotions", *arguments])


def test_the_command_prints_its_plan_and_runs_it(tmp_path):
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
    assert "4 fits: 2 data sets, 2 estimators, 1 resamples. Done: 0, failed: 0, to do: 4." in said.output
    assert "fcn: 2 fits, about 0." in said.output
    assert "DummyClassifier: 2 fits, about 0.0 minutes, plus 2 of unknown time" in said.output
    assert list(tmp_path.iterdir()) == []
    said = command(*arguments)
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert sum(line.startswith(("UnitTest ", "BasicMotions ")) for line in lines) == 4
    assert "4 results are in" in lines[-1]
    other = command(*arguments[:-1], "2", "--dry-run")
    assert "results of a different 'fcn'" in other.output
    assert "'recipe.n_epochs': '1'" in other.output
    assert "label_smoothing" not in other.output  # equal values are not shown


def test_fits_at_once_share_the_time_and_the_cpus(tmp_path, monkeypatch):
    row = {"estimator": "fcn", "fits": 4, "seconds": 720.0, "fits_of_unknown_time": 0}
    monkeypatch.setattr("mlstm_fcn.benchmark.estimated_seconds", lambda plan: pd.DataFrame([row]))
    jobs = ["--output", str(tmp_path), "--estimators", "fcn", "--jobs", "3"]
    assert "fcn: 4 fits, about 4.0 minutes\n" in command(*jobs, "--dry-run").output
    threads = []

    def execute(plan, limits, **options):
        threads.append((limits.threads, options["n_jobs"]))
        return pd.DataFrame({"accuracy": [1.0]})

    monkeypatch.setattr("mlstm_fcn.benchmark.execute", execute)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    for more in ([], ["--threads", "5"], ["--engine", "dask", "--address", "tcp://127.0.0.1:1"]):
        said = command(*jobs, *more)
        assert said.exit_code == 0, said.output
    assert threads == [(2, 3), (5, 3), (1, 3)]


def test_failed_fits_are_summarised_and_the_exit_status_tells(tmp_path):
    """Also those of an earlier run, which are not repeated."""
    bad = "Bad=sklearn.dummy.DummyClassifier(strategy='no')"
    arguments = ["--datasets", "UnitTest", "--estimators", f"sklearn.dummy.DummyClassifier,{bad}"]
    for tried in (4, 0):
        said = CliRunner().invoke(
            main, ["benchmark", *arguments, "--resamples", "2", "--output", str(tmp_path)]
        )
        assert said.exit_code == 1
        assert f"to do: {tried}." in said.output
        assert "2 results are in" in said.output
        assert "Error: 2 of 4 fits failed:" in said.output
        assert (
            "Bad on UnitTest, 2 of 2: error: InvalidParameterError: The 'strategy' parameter" in said.output
        )
        assert "`--retry` repeats them" in said.output


def test_a_long_summary_is_cut(tmp_path):
    place = Folder(tmp_path)
    for number in range(25):
        place.keep(Failure(RunKey("DummyClassifier", "UnitTest", number), "error", f"No. {number}\nmore"))
    estimators = ["--estimators", "sklearn.dummy.DummyClassifier", "--resamples", "25"]
    arguments = ["benchmark", "--datasets", "UnitTest", *estimators, "--output", str(tmp_path)]
    said = CliRunner().invoke(main, arguments)
    assert said.exit_code == 1
    assert "25 of 25 fits failed" in said.output
    assert said.output.count("error: No.") == 20
    assert "... and 5 more lines" in said.output
    assert CliRunner().invoke(main, [*arguments, "--dry-run"]).exit_code == 0


@pytest.mark.filterwarnings("ignore:.*requires package 'numba'")
@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]], ids=["run", "dry run"])
def test_what_is_missing_is_told_before_the_first_fit(tmp_path, monkeypatch, dry_run):
    def version(package):
        if package == "numba":
            raise PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr("mlstm_fcn.benchmark.preflight.version", version)
    arguments = ["--datasets", "UnitTest,Nowhere", "--estimators", "dtw,minirocket", *dry_run]
    said = CliRunner().invoke(main, ["benchmark", *arguments, "--output", str(tmp_path / "r")])
    assert said.exit_code == 1
    assert "No fit was started, since some would fail." in said.output
    assert "minirocket needs numba: pip install 'mlstm-fcn[bench]'" in said.output
    assert "dtw needs" not in said.output
    assert "No such files were found" in said.output
    assert not (tmp_path / "r").exists()


def test_seeds_take_the_place_of_resamples(tmp_path):
    arguments = ["--estimators", "sklearn.dummy.DummyClassifier", "--output", str(tmp_path), "--dry-run"]
    assert "4 fits: 2 data sets, 1 estimators, 2 seeds." in command(*arguments, "--seeds", "2").output
    both = command(*arguments, "--seeds", "2", "--resamples", "2")
    assert "Give `--resamples` or `--seeds`" in both.output


@pytest.mark.parametrize("script", ["benchmark_uea", "reproduce_table"])
def test_scripts_have_the_options_of_the_command(script):
    text = (Path(__file__).parent.parent / "examples" / f"{script}.py").read_text()
    of_script = set(re.findall(r'add_argument\("([^"]*)"', text))
    of_command = {name for option in benchmark.params for name in option.opts}
    assert {"--datasets", "--output", "--epochs", "--jobs", "--resamples"} <= of_script
    assert of_script - {"--tables"} <= of_command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shard", "3/2"], "`--shard` must be I/N"),
        (["--shard", "0/2"], "`--shard` must be I/N"),
        (["--estimators", "nowhere.X"], "No module named 'nowhere'"),
        (["--threads", "-3"], "`threads` must be a positive integer"),
        (["--time-limit", "-1"], "Limits must be positive"),
        (["--address", "tcp://127.0.0.1:1"], "`--address` requires `--engine dask`"),
        (["--jobs", "0"], "`jobs` must be a positive integer"),
        (["--resamples", "0"], "`n_resamples` must be a positive integer"),
        (["--seeds", "0"], "`seeds` must be a positive integer"),
    ],
)
def test_invalid_arguments_get_an_error_message(tmp_path, arguments, message):
    said = command("--output", str(tmp_path / "r"), *arguments)
    assert said.exit_code == 1
    assert message in said.output
    assert not (tmp_path / "r").exists()


def test_the_live_table_counts(tmp_path):
    estimators = resolve({"a": DummyClassifier(), "b": DummyClassifier()})
    live = Live(make_plan(["UnitTest"], estimators, 3, Folder(tmp_path)))
    live.add(result(RunKey("a", "UnitTest", 0)))
    live.add(Failure(RunKey("b", "UnitTest", 0), "time", "too long"))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(live._table())
    rows = [line.split() for line in console.export_text().splitlines()]
    accuracy = f"{metrics(result())['accuracy']:.4f}"
    assert ["│", "a", "│", "1", "│", "2", "│", "0", "│", accuracy, "│"] in rows
    assert ["│", "b", "│", "0", "│", "2", "│", "1", "│", "│"] in rows
