"""`mlstm-fcn data` lists, describes, gets and converts."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mlstm_fcn import datasets
from mlstm_fcn.cli import main


def run(*arguments, code=0):
    result = CliRunner(env={"COLUMNS": "120"}).invoke(main, ["data", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def test_list_shows_the_catalogue_and_present_data_sets():
    output = run("list", "--archive", "UEA", "--unequal-length")
    assert output.splitlines()[-1].startswith("4 data sets, 1 of them here")
    row = next(line for line in output.splitlines() if "JapaneseVowels" in line)
    assert row.split() == ["*", "JapaneseVowels", "UEA", "270", "370", "12", "7-29", "9"]
    assert "?" in next(line for line in output.splitlines() if "InsectWingbeat" in line)


def test_list_of_present_data_sets_needs_no_download():
    assert run("list", "--here").splitlines()[-1] == "11 data sets, 11 of them here"


def test_describe():
    output = run("describe", "BasicMotions")
    for part in ("40 training, 40 test", "1.0000  ROCKET", "arXiv 1811.00075"):
        assert part in output


def test_fetch_continues_after_a_failure_and_reports_it(monkeypatch):
    monkeypatch.setattr("mlstm_fcn.datasets.transfer.WAITS", ())
    output = run("fetch", "UnitTest", "Coffee", "BasicMotions", code=1)
    assert "UnitTest_TRAIN.ts" in output
    assert "BasicMotions_TRAIN.ts" in output
    assert "Error: Coffee could not be downloaded." in output
    assert "offline=True forbids a download" in run("fetch", "Coffee", "--offline", code=1)


def test_fetch_of_an_archive(monkeypatch):
    """The scripts datasets/*/prepare.py run this command."""
    monkeypatch.setattr("mlstm_fcn.datasets.transfer.WAITS", ())
    output = run("fetch", "--archive", "TSER", "--offline")
    assert [line.split()[0] for line in output.splitlines()] == ["Covid3Month", "Tecator"]
    assert "Give either names or `--archive`." in run("fetch", code=1)


@pytest.mark.parametrize(("archive", "found"), [("uea", "BasicMotions"), ("ucr", "GunPoint")])
def test_the_scripts_of_the_shelf(archive, found):
    script = Path(__file__).parent.parent / "datasets" / archive / "prepare.py"
    command = [sys.executable, str(script), "--offline"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1
    assert f"{found}_TRAIN.ts" in result.stdout
    assert "offline=True forbids a download" in result.stderr


def test_convert_a_data_set_to_arrays_and_train_on_them(tmp_path):
    assert run("convert", "UnitTest", tmp_path) == f"written {tmp_path / 'UnitTest'}\n"
    problem = datasets.load("UnitTest", folder=tmp_path, dtype="float32", memory_map=True)
    assert isinstance(problem.X_train, np.memmap)
    original = datasets.load("UnitTest", dtype="float32")
    for part in ("X_train", "y_train", "X_test", "y_test"):
        np.testing.assert_array_equal(getattr(problem, part), getattr(original, part))
    assert "exists already" in run("convert", "UnitTest", tmp_path, code=1)


def test_convert_a_file(tmp_path):
    first, second = tmp_path / "it.ts", tmp_path / "it.arff"
    series = np.arange(24.0).reshape(2, 3, 4)
    datasets.write(first, series, ["a", "b"])
    assert run("convert", first, second) == f"written {second}\n"
    X, y = datasets.read(second)
    np.testing.assert_array_equal(X, series)
    assert y.tolist() == ["a", "b"]
    assert "the suffix of OUTPUT selects the format" in run("convert", first, second, "--to", "ts", code=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["describe", "BasicMotion"], "Did you mean 'BasicMotions'"),
        (["list", "--archive", "uea"], "Did you mean 'UEA'"),
        (["convert", "it.ts", "it.arff"], "No such file"),
        (["convert", "BasicMotions", "out", "--to", "mat"], "`to` must be one of 'npy'"),
    ],
)
def test_an_error_is_one_sentence(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = run(*arguments, code=1)
    assert message in output
    assert list(tmp_path.iterdir()) == []
