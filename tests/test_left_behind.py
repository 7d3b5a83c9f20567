"""What a killed process leaves: old files or new ones, each whole; no processes."""

import ast
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

import mlstm_fcn
from mlstm_fcn import _files, export
from mlstm_fcn._files import partial_folder, write_text
from mlstm_fcn.export import manifest, swap
from tests.killed_exports import exported, exported_but_not_put_in_place, read, require_only

PACKAGE, ROOT = Path(mlstm_fcn.__file__).parent, Path(__file__).parent.parent
posix = pytest.mark.skipif(
    sys.platform == "win32", reason="locks folders, and tells a process of its parent's end"
)


def python(*arguments, **options):
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, text=True, **options)


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timeout"
        time.sleep(0.02)


# Files.


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(IsADirectoryError, match=r"is a folder: give the name of a file\.$"):
        write_text(tmp_path, "text")
    assert list(tmp_path.iterdir()) == []


WRITER = """
import sys
from pathlib import Path
from mlstm_fcn._files import written_whole
with written_whole(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    print("here", flush=True)
    sys.stdin.read()
"""


def killed_writer(path):
    """Kill a process that is writing a file."""
    with python("-c", WRITER, str(path), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "here\n"
        write_text(path.with_name("other"), "of this process")
        assert names(path.parent) == {"model", "other", *partials(path.parent)}
        assert len(partials(path.parent)) == 1  # it is not removed while its process lives
        process.kill()


def names(folder):
    return {path.name for path in folder.iterdir()}


def partials(folder):
    return {name for name in names(folder) if name.startswith(".partial-")}


@pytest.fixture
def killed(tmp_path):
    """A folder with what a killed process left."""
    path = tmp_path / "model"
    path.write_text("old")
    killed_writer(path)
    assert path.read_text() == "old"
    assert len(partials(tmp_path)) == 1
    return tmp_path


@posix
def test_the_next_write_removes_what_a_killed_one_left(killed):
    write_text(killed / "model", "new")
    assert names(killed) == {"model", "other"}
    assert (killed / "model").read_text() == "new"


@pytest.mark.parametrize("reason", ["another machine's", "no locks"])
def test_what_may_still_be_written_is_removed_after_a_day(killed, monkeypatch, reason):
    def no_locks(folder, **options):
        raise OSError("no locks here")

    if reason == "no locks":
        monkeypatch.setattr(_files, "lock", no_locks)
    else:
        monkeypatch.setattr(_files.platform, "node", lambda: "elsewhere")
    left = partials(killed)
    write_text(killed / "model", "new")
    assert partials(killed) == left
    for path in (killed / left.pop()).glob("**"):
        os.utime(path, (1, 1))
    for path in killed.rglob("whole"):
        os.utime(path, (1, 1))
    write_text(killed / "model", "newer")
    assert names(killed) == {"model", "other"}


def test_threads_that_write_in_one_folder_leave_each_other_alone(tmp_path):
    """Each looks for what killed processes left while the others write."""

    def write(number):
        for _ in range(30):
            write_text(tmp_path / f"{number}", "whole")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(tmp_path) == set("0123")


def test_a_link_with_the_name_of_a_temporary_folder_is_not_followed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").touch()
    (tmp_path / f"{_files._own_prefix()}x").symlink_to(tmp_path / "mine")
    with partial_folder(tmp_path):
        pass
    assert (tmp_path / "mine" / "thesis").exists()


def test_one_module_makes_temporary_files():
    """So that all of them are removed. The log of a worker has no name: it ends with its process."""
    for path in PACKAGE.rglob("*.py"):
        used = {
            node.attr if isinstance(node, ast.Attribute) else node.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute | ast.alias)
        }
        made = used & {"TemporaryDirectory", "NamedTemporaryFile", "mkdtemp", "mkstemp", "TemporaryFile"}
        allowed = {"_files.py": {"mkdtemp"}, "process.py": {"TemporaryFile"}}
        assert made <= allowed.get(path.name, set()), path


# Exports.


@posix
@pytest.mark.parametrize("kind", [pytest.param("onnx", marks=pytest.mark.slow), "openvino", "savedmodel"])
def test_an_export_killed_at_any_step_leaves_the_old_or_the_new_one(kind, tmp_path):
    """One file, two files, and a folder. The next `load` or `export` works, and leaves nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed_exports", kind, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    read_after_kills = done.stdout.split()
    order = sorted(read_after_kills, key=["old", "new"].index)
    assert read_after_kills == order  # once the new one counts, it counts
    assert min(order.count("old"), order.count("new")) >= 5


@pytest.mark.parametrize("kind", ["onnx", "openvino", "savedmodel"])
def test_a_reader_that_may_not_write_reads_the_new_one(kind, tmp_path, monkeypatch):
    path = tmp_path / {"onnx": "model.onnx", "openvino": "model.xml", "savedmodel": "saved"}[kind]
    exported(path, kind, "old")
    exported_but_not_put_in_place(path, kind, "new")

    def read_only(parent):
        raise PermissionError("read-only")

    before = names(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(swap, "partial_folder", read_only)
        assert read(path) == "new"
    assert names(tmp_path) == before
    assert read(path) == "new"
    require_only(path, kind, "new")


@pytest.mark.parametrize("kind", ["openvino", "savedmodel"])
def test_who_reads_while_another_exports_reads_whole_ones(kind, tmp_path):
    path = tmp_path / ("saved" if kind == "savedmodel" else "model.xml")
    exported(path, kind, "a")
    ended = threading.Event()

    def export_again():
        for word in "bcdefghijklm":
            exported(path, kind, word)
        ended.set()

    writer = threading.Thread(target=export_again)
    writer.start()
    words = []
    while not ended.is_set():
        words.append(read(path))
    writer.join()
    assert words == sorted(words)
    require_only(path, kind, "m")


def test_an_export_that_ends_while_a_reader_looks_for_it_is_seen(tmp_path, monkeypatch):
    """The reader meets a mixture, and the export ends between the two looks that ask whether one goes on."""
    path, seen = tmp_path / "model.xml", []
    exported(path, "openvino", "old")
    new, read_bytes = tmp_path / ".model.xml.new", Path.read_bytes

    def words(place):
        seen.append(place)
        if len(seen) == 1:
            exported_but_not_put_in_place(path, "openvino", "new")
            raise ValueError("a mixture")
        return path.with_suffix(".bin").read_text()

    def reads_and_lets_it_end(place):
        found = read_bytes(place)
        if new.exists():
            swap._put_in_place(new, path)
        return found

    monkeypatch.setattr(Path, "read_bytes", reads_and_lets_it_end)
    assert swap.read_whole(path, words) == "new"
    assert seen == [path, path]


def test_an_export_within_one_tick_of_the_clock_is_seen(tmp_path):
    """Its manifest may have the number of a removed one, and the same time."""
    path = tmp_path / "model.onnx"
    exported(path, "onnx", "a")
    before, about = swap._state(path), manifest.path_of(path)
    made = about.stat().st_mtime_ns
    about.write_text(about.read_text().replace('"a"', '"b"'))
    os.utime(about, ns=(made, made))
    assert about.stat().st_mtime_ns == made
    assert swap._state(path) != before


def test_a_folder_that_no_export_left_is_refused_and_kept(tmp_path):
    (tmp_path / ".model.onnx.new").mkdir()
    (tmp_path / ".model.onnx.new" / "thesis").touch()
    for act in (export.load, lambda path: exported(path, "onnx", "new")):
        with pytest.raises(
            ValueError, match="interrupted export left, and is damaged: delete it, and export"
        ):
            act(tmp_path / "model.onnx")
    assert names(tmp_path) == {".model.onnx.new"}
    assert (tmp_path / ".model.onnx.new" / "thesis").exists()


# Processes.


def kill_and_wait(process, seconds=5):
    """Kill a process, and wait until its children have ended, though nobody asks for its exit status."""
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.kill()
    try:
        wait_until(lambda: not any(map(is_running, children)), seconds)
    finally:
        for child in filter(is_running, children):
            child.kill()
    process.wait()
    return len(children)


def is_running(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


CHECK = """
import sys
from pathlib import Path
import numpy as np
from mlstm_fcn.export.subprocess_check import run_in_subprocess
script = "import sys, time; open(sys.argv[1], 'w'); time.sleep(600)"
run_in_subprocess(script, Path(sys.argv[1]), np.zeros(3))
"""
POOL = """
import os, sys, time
from joblib.externals.loky import get_reusable_executor
from mlstm_fcn._orphans import exit_with
pool = get_reusable_executor(2, initializer=exit_with, initargs=(os.getpid(),))
pool.submit(time.sleep, 0).result()
open(sys.argv[1], "w")
pool.submit(time.sleep, 600).result()
"""


@posix
@pytest.mark.parametrize("script", [CHECK, POOL], ids=["the check of an export", "a pool, one of it idle"])
def test_processes_end_with_the_one_that_started_them(script, tmp_path):
    started = tmp_path / "started"
    with python("-c", script, str(started)) as process:
        wait_until(started.exists, 60)
        kill_and_wait(process)


ENSEMBLE = """
import keras
from mlstm_fcn import MLSTMFCNClassifier, datasets
from mlstm_fcn.engine import Engine
motions = datasets.load("BasicMotions")
options = {"filters": (64, 64, 64), "n_epochs": 10000, "random_state": 0}
MLSTMFCNClassifier(**options, n_members=2, engine=Engine(n_jobs=2)).fit(motions.X_train, motions.y_train)
"""
BENCHMARK = ["-m", "mlstm_fcn", "benchmark", "--datasets", "UnitTest", "--resamples", "4", "--jobs", "2"]


def is_busy(process, n_processes):
    """Whether a process has that many descendants, one of them with TensorFlow in memory and at work."""
    children = [one for one in psutil.Process(process.pid).children(recursive=True) if is_running(one)]
    return len(children) >= n_processes and any(one.cpu_times().user > 15 for one in children)


@posix
@pytest.mark.slow
@pytest.mark.parametrize("moment", ["while fits run", "while workers start"])
def test_a_killed_benchmark_leaves_no_process(moment, tmp_path):
    estimator = f"c=tests.counting.Counting(log={str(tmp_path / 'log')!r}, do='hang')"
    options = ["--estimators", estimator, "--output", str(tmp_path / "results")]
    with python(*BENCHMARK, *options, stdout=subprocess.DEVNULL) as process:
        if moment == "while fits run":
            wait_until(lambda: (tmp_path / "log").exists(), 120)
        else:
            wait_until(lambda: len(psutil.Process(process.pid).children(recursive=True)) >= 4, 120)
        assert kill_and_wait(process) >= 4


@posix
@pytest.mark.slow
def test_a_killed_fit_of_members_side_by_side_leaves_no_process():
    with python("-c", ENSEMBLE) as process:
        wait_until(lambda: is_busy(process, 2), 120)
        assert kill_and_wait(process) >= 2
