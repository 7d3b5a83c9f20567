"""No process of the package imports code from the working folder."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import joblib.externals.loky as loky
import numpy as np
import pytest

import mlstm_fcn
from mlstm_fcn import _children
from mlstm_fcn.export import subprocess_check

PACKAGE = Path(mlstm_fcn.__file__).parent
LIBRARIES = ("numpy", "pandas", "joblib", "keras", "click", "rich")


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A working folder with modules named like libraries; each leaves a file if a process imports it."""
    for name in LIBRARIES:
        code = f"import pathlib; pathlib.Path({str(tmp_path / 'imported')!r}).touch(); raise ImportError"
        (tmp_path / f"{name}.py").write_text(code)
    (tmp_path / "of_the_user.py").write_text("number = 5")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    return tmp_path


def test_checks_of_exports_import_nothing_from_the_working_folder(planted, rng):
    script = "import sys, numpy; numpy.save(sys.argv[3], numpy.load(sys.argv[2]))"
    series = rng.normal(size=(2, 3, 4))
    outputs = subprocess_check.run_in_subprocess(script, planted / "none", series)
    np.testing.assert_array_equal(outputs, series)
    assert not (planted / "imported").exists()


def test_grandchildren_are_as_safe(planted):
    script = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'import numpy']))"
    assert subprocess.run(_children.python("-c", script), env=_children.environment()).returncode == 0
    assert not (planted / "imported").exists()


def test_pools_are_as_safe(planted):
    def results():
        with loky.ProcessPoolExecutor(1) as pool:
            yield from pool.map(abs, [-1])

    assert list(_children.safely(results())) == [1]
    assert not (planted / "imported").exists()
    assert "PYTHONSAFEPATH" not in os.environ


def test_a_child_finds_the_modules_of_a_user_in_an_interactive_session(planted, monkeypatch):
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    script = "import numpy, mlstm_fcn, of_the_user; print(of_the_user.number, mlstm_fcn.__file__)"
    command = _children.python("-c", script)
    done = subprocess.run(command, env=_children.environment(), capture_output=True, text=True)
    assert done.stdout.split() == ["5", mlstm_fcn.__file__], done.stderr
    assert not (planted / "imported").exists()


def test_the_command_imports_nothing_from_the_working_folder(planted):
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-m", "mlstm_fcn", "--help"], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert not (planted / "imported").exists()


@pytest.mark.slow
def test_a_benchmark_imports_nothing_from_the_working_folder(planted):
    from mlstm_fcn import benchmark

    folder = planted / "results"
    benchmark.run(["UnitTest"], "sktime.classification.dummy.DummyClassifier", folder, n_jobs=2)
    assert len(benchmark.Folder(folder).results()) == 1
    assert not (planted / "imported").exists()


def test_all_children_are_started_by_one_module():
    users = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "executable"
    }
    assert users == {"_children.py"}
