"""Kill processes at random moments of save, export, fetch and benchmark, and look at what they leave.

    python benchmarks/kills.py                         # 109 kills; writes benchmarks/kills.csv
    python benchmarks/kills.py save onnx --kills 10    # some of them

Each kill must leave the old file or the new one, whole; no process; and after the next call no other file. A
process that has imported all libraries and computed nothing forks those that are killed, to save time.
"""

import argparse
import contextlib
import csv
import functools
import http.server
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
import traceback
import zipfile
from pathlib import Path

import numpy as np
import psutil

from mlstm_fcn import MLSTMFCNClassifier, benchmark, datasets, export
from mlstm_fcn.benchmark import Folder
from mlstm_fcn.export import FORMATS

FORK = multiprocessing.get_context("fork")
COLUMNS = ("action", "kills", "old", "new", "broken", "files_left", "processes_left", "seconds")
X = datasets.load("BasicMotions").X_test[:12]


class Saved:
    """`save` over an older file of another model."""

    n_kills = 25

    def __init__(self, place: Path):
        self.models, self.folder = place / "models", place / "here"
        self.next_call()

    @property
    def path(self) -> Path:
        """What is replaced."""
        return self.folder / "model.keras"

    def reset(self) -> None:
        """Make what was there before the kill, as far as the next call has not done it."""

    def ready(self, word: str = "new"):
        """What is done before the moment of the kill can come."""
        return MLSTMFCNClassifier.load(self.models / f"{word}.keras")

    def act(self, classifier) -> None:
        """What is killed."""
        classifier.save(self.path)

    def outputs(self) -> np.ndarray:
        """Outputs of the model that is there."""
        return MLSTMFCNClassifier.load(self.path).predict_proba(X)

    def found(self) -> str:
        """Which of the two is there."""
        outputs = self.outputs()
        near = [word for word in ("old", "new") if np.abs(outputs - self.expected(word)).max() < 0.2]
        return near[0] if len(near) == 1 else "broken"

    def expected(self, word: str) -> np.ndarray:
        """Outputs of a model of which the other differs by more than twice the bound."""
        return np.load(self.models / f"{word}.npy")

    def next_call(self) -> None:
        """Do what a user would do next in that folder."""
        in_fork(lambda: self.act(self.ready("old")))

    def files(self) -> set[str]:
        """Names of all files that should be there after it."""
        return {"model.keras"}


class Exported(Saved):
    """`export` over an older one of another model."""

    n_kills = 7

    def __init__(self, place: Path, format: str):
        self.format = format
        super().__init__(place)

    @property
    def path(self) -> Path:
        return self.folder / f"model{FORMATS[self.format].suffix}"

    def act(self, classifier) -> None:
        classifier.export(self.path, self.format, X=X)

    def outputs(self) -> np.ndarray:
        return export.load(self.path).outputs(X)

    def files(self) -> set[str]:
        companions = FORMATS[self.format].companion_files(self.path)
        return {self.path.name, f"{self.path.name}.json", *(file.name for file in companions)}


class Fetched:
    """The first `load` of a data set: a download, then arrays in the cache."""

    n_kills = 25
    name = "Coffee"

    def __init__(self, place: Path):
        self.folder = place / "here"
        site = place / "site"
        site.mkdir()
        rng = np.random.default_rng(0)
        with zipfile.ZipFile(site / f"{self.name}.zip", "w", zipfile.ZIP_DEFLATED) as made:
            for part in (f"{self.name}_TRAIN.ts", f"{self.name}_TEST.ts"):
                datasets.write(place / part, rng.normal(size=(300, 1, 800)), ["0", "1"] * 150)
                made.write(place / part, part)
        handler = functools.partial(Quiet, directory=str(site))
        server = http.server.HTTPServer(("127.0.0.1", 0), handler)
        self.server = FORK.Process(target=server.serve_forever, daemon=True)
        self.server.start()
        os.environ["MLSTM_FCN_MIRROR"] = f"http://127.0.0.1:{server.server_port}"
        os.environ["MLSTM_FCN_CACHE"] = str(self.folder)

    def reset(self) -> None:
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def ready(self) -> None:
        pass

    def act(self, _) -> None:
        assert datasets.load(self.name).X_test.shape == (300, 1, 800)

    def found(self) -> str:
        archive = self.folder / f"{self.name}.zip"
        if not archive.exists():
            return "old"
        with zipfile.ZipFile(archive) as opened:
            return "broken" if opened.testzip() else "new"

    def next_call(self) -> None:
        in_fork(lambda: self.act(None))

    def files(self) -> set[str]:
        return {f"{self.name}.zip", f"{self.name}.zip.sha256", "arrays"}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A mirror that logs nothing, also of those who leave early."""

    def log_message(self, *args) -> None:
        pass

    def copyfile(self, *files) -> None:
        with contextlib.suppress(ConnectionError):
            super().copyfile(*files)


class Benchmarked:
    """A benchmark with two workers: old results stay, and no process does."""

    n_kills = 10

    def __init__(self, place: Path):
        self.folder = place / "here"

    def reset(self) -> None:
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    def ready(self) -> None:
        pass

    def act(self, _, n_jobs: int = 2) -> None:
        estimators = "a=sklearn.dummy.DummyClassifier(strategy='uniform'),b=sklearn.dummy.DummyClassifier()"
        table = benchmark.run(["UnitTest"], estimators, self.folder, n_resamples=6, n_jobs=n_jobs)
        assert len(table) == 12

    def found(self) -> str:
        results = Folder(self.folder).results()
        for path in results.values():
            benchmark.read(path)  # raises if it is not whole
        return "new" if len(results) == 12 else "old"

    def next_call(self) -> None:
        in_fork(lambda: self.act(None))

    def files(self) -> set[str]:
        return {"a", "b", "results.csv", *(["results.parquet"] * (self.folder / "results.parquet").exists())}


ACTIONS = {"save": Saved, "fetch": Fetched, "benchmark": Benchmarked}
ACTIONS |= {name: functools.partial(Exported, format=name) for name in FORMATS}


def in_fork(function):
    """Run a function in a fork, and give what it returns."""
    receive, send = FORK.Pipe(duplex=False)

    def run() -> None:
        try:
            send.send(function())
        except BaseException:
            send.send(RuntimeError(traceback.format_exc()))
        os._exit(0)  # multiprocessing would wait until workers have been idle for minutes

    process = FORK.Process(target=run)
    process.start()
    send.close()
    value = receive.recv()
    process.join()
    if isinstance(value, RuntimeError):
        raise value
    return value


def killed(action, after: float | None) -> tuple[float, list[psutil.Process]]:
    """Start an action, and kill it after some seconds, or never: its seconds, and all its processes."""
    receive, send = FORK.Pipe(duplex=False)

    def run() -> None:
        os.setsid()  # what a terminal sends to all is not what is tested
        state = action.ready()
        send.send("ready")
        action.act(state)
        os._exit(0)

    process = FORK.Process(target=run)
    process.start()
    receive.recv()
    start, family = time.monotonic(), {}
    while process.is_alive() and (after is None or time.monotonic() - start < after):
        with contextlib.suppress(psutil.NoSuchProcess):
            family |= {one.pid: one for one in psutil.Process(process.pid).children(recursive=True)}
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return time.monotonic() - start, list(family.values())


def alive(processes: list[psutil.Process], seconds: float = 3.0) -> int:
    """Number of processes that still run after some seconds."""
    end = time.monotonic() + seconds
    while (n := sum(map(_is_running, processes))) and time.monotonic() < end:
        time.sleep(0.05)
    for one in filter(_is_running, processes):
        with contextlib.suppress(psutil.NoSuchProcess):
            print(*one.cmdline()[:6])
            one.kill()
    return n


def _is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def row_of(name: str, n_kills: int | None, models: Path, rng: np.random.Generator) -> dict[str, object]:
    """Kill an action many times."""
    began = time.monotonic()
    counts = dict.fromkeys(("old", "new", "broken", "files_left", "processes_left"), 0)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "here").mkdir()
        scratch = place / "scratch"
        scratch.mkdir()
        (place / "models").symlink_to(models)
        tempfile.tempdir = str(scratch)  # forks have it too
        action = ACTIONS[name](place)
        seconds, _ = killed(action, None)
        n_kills = n_kills or action.n_kills
        for _ in range(n_kills):
            action.reset()
            _, family = killed(action, rng.uniform(0, seconds))
            counts["processes_left"] += alive(family)
            try:
                counts[in_fork(action.found)] += 1
                action.next_call()
            except Exception as error:
                counts["broken"] += 1
                print(name, error)
            left = {path.name for path in action.folder.iterdir()} ^ action.files()
            left |= {str(path) for path in action.folder.rglob(".partial-*")}
            left |= {path.name for path in scratch.glob(".partial-*")}
            counts["files_left"] += bool(left)
            if left:
                print(name, left)
    tempfile.tempdir = None
    return {"action": name, "kills": n_kills, **counts, "seconds": round(time.monotonic() - began)}


def train(folder: Path) -> None:
    """Two models whose outputs differ."""
    motions = datasets.load("BasicMotions")
    for word, y in (("old", motions.y_train), ("new", np.roll(motions.y_train, 10))):
        options = {"filters": (8, 16, 8), "reduction": 4, "lstm_units": 4, "n_epochs": 150}
        classifier = MLSTMFCNClassifier(**options, learning_rate=0.01, random_state=0)
        classifier.fit(motions.X_train, y)
        classifier.save(folder / f"{word}.keras")
        np.save(folder / f"{word}.npy", classifier.predict_proba(X))
    difference = np.abs(np.load(folder / "old.npy") - np.load(folder / "new.npy")).max(axis=1)
    assert difference.min() > 0.4, difference


def import_all() -> None:
    """Import what the actions need, so that forks have it."""
    import keras  # noqa: F401
    import onnxruntime  # noqa: F401
    import openvino  # noqa: F401
    import tensorflow  # noqa: F401
    import tf2onnx  # noqa: F401
    from ai_edge_litert import interpreter  # noqa: F401

    import mlstm_fcn.export.fitted
    import mlstm_fcn.fitting.archive  # noqa: F401


def main() -> None:
    """Print the table, and write it if it has all actions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("actions", nargs="*", choices=[[], *ACTIONS])
    parser.add_argument("--kills", type=int, help="of each action")
    arguments = parser.parse_args()
    import_all()
    rows, rng = [], np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as models:
        in_fork(functools.partial(train, Path(models)))
        for name in arguments.actions or ACTIONS:
            rows.append(row_of(name, arguments.kills, Path(models), rng))
            print(*(f"{key}={value}" for key, value in rows[-1].items()), flush=True)
    if not arguments.actions:
        with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            table.writerows(rows)


if __name__ == "__main__":
    main()
