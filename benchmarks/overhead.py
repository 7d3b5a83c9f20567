"""Time and memory outside of the epochs: this package, sktime, tsai, Keras and the compiled call.

    pip install '.[bench]' && python benchmarks/overhead.py

Each row is one figure of one candidate: the median of several processes, and the ratio to the first
candidate. Only the ratio carries over to other machines. The data are BasicMotions' 40 training series (6
channels, 100 steps). tsai is measured if it is installed (`pip install tsai`). The result is written to
`overhead.csv`.
"""

from __future__ import annotations

import argparse
import csv
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

FIELDS = ("figure", "unit", "candidate", "value", "reference", "ratio")
EPOCHS, BATCH, FITS, BULK = 100, 16, 50, 2048

Figures = dict[str, float]


def motions() -> tuple[np.ndarray, np.ndarray]:
    """Load the data without importing a measured package."""
    with np.load(os.environ["MOTIONS"]) as file:
        return file["X"], file["y"]


def median_time(function: Callable[[], Any], n: int) -> float:
    """Median seconds of a call, after a warm-up."""
    function()
    times = []
    for _ in range(n):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def resident() -> float:
    """Resident memory in megabytes; Linux only."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def fit_this_package() -> Figures:
    """Import and 100 epochs."""
    X, y = motions()
    start = time.perf_counter()
    from mlstm_fcn import MLSTMFCNClassifier

    imported = time.perf_counter()
    MLSTMFCNClassifier(n_epochs=EPOCHS, batch_size=BATCH, random_state=0).fit(X, y)
    total = time.perf_counter() - start
    return {"import": imported - start, "import to fitted, 100 epochs": total}


def first_fit() -> Figures:
    """The first fit in a process, which imports Keras and compiles, and a second fit."""
    X, y = motions()
    from mlstm_fcn import MLSTMFCNClassifier

    start = time.perf_counter()
    MLSTMFCNClassifier(n_epochs=1, random_state=0).fit(X, y)
    first = time.perf_counter() - start
    again = median_time(lambda: MLSTMFCNClassifier(n_epochs=1, random_state=0).fit(X, y), 3)
    return {"fit of one epoch, first": first, "fit of one epoch, again": again}


def first_fit_sktime() -> Figures:
    """The first and second fit of sktime's estimator."""
    X, y = motions()
    from sktime.classification.deep_learning.lstmfcn import LSTMFCNClassifier

    start = time.perf_counter()
    LSTMFCNClassifier(n_epochs=1, batch_size=BATCH).fit(X, y)
    first = time.perf_counter() - start
    again = median_time(lambda: LSTMFCNClassifier(n_epochs=1, batch_size=BATCH).fit(X, y), 3)
    return {"fit of one epoch, first": first, "fit of one epoch, again": again}


def fit_sktime() -> Figures:
    """Sktime's LSTM-FCN, which has no squeeze-and-excitation."""
    X, y = motions()
    start = time.perf_counter()
    from sktime.classification.deep_learning.lstmfcn import LSTMFCNClassifier

    imported = time.perf_counter()
    LSTMFCNClassifier(n_epochs=EPOCHS, batch_size=BATCH).fit(X, y)
    return {"import": imported - start, "import to fitted, 100 epochs": time.perf_counter() - start}


def fit_tsai() -> Figures:
    """Tsai's estimator, without validation data."""
    X, y = motions()
    start = time.perf_counter()
    from tsai.data.core import TSClassification
    from tsai.tslearner import TSClassifier

    imported = time.perf_counter()
    splits = list(range(len(X))), []
    transforms = [None, TSClassification()]
    options: dict[str, Any] = {"arch": "MLSTM_FCN", "bs": BATCH, "arch_config": {"hidden_size": 8}}
    learner = TSClassifier(X, y, splits=splits, tfms=transforms, **options)
    with learner.no_bar(), learner.no_logging():
        learner.fit(EPOCHS)
    return {"import": imported - start, "import to fitted, 100 epochs": time.perf_counter() - start}


def predict_tensorflow() -> dict[str, Figures]:
    """Predict one series and many: the estimator, its function, the compiled call, Keras."""
    import tensorflow as tf

    from mlstm_fcn import engine

    predict = engine.current().predict

    from mlstm_fcn import MLSTMFCNClassifier

    X, y = motions()
    classifier = MLSTMFCNClassifier(n_epochs=1, random_state=0).fit(X, y)
    model, batch = classifier.model_, np.ascontiguousarray(np.swapaxes(X, 1, 2))
    spec = [tf.TensorSpec((None, *batch.shape[1:]))]

    @tf.function(autograph=False, input_signature=spec)
    def bare(series: Any) -> Any:
        return model(series, training=False)

    one, many = batch[:1], np.resize(batch, (BULK, *batch.shape[1:]))
    tensors = [tf.constant(many[start : start + 256]) for start in range(0, BULK, 256)]
    calls: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "compiled call": (lambda: bare(tf.constant(one)).numpy(), lambda: [bare(t).numpy() for t in tensors]),
        "this package, function": (lambda: predict(model, one), lambda: predict(model, many)),
        "this package": (
            lambda: classifier.predict_proba(X[:1]),
            lambda: classifier.predict_proba(np.swapaxes(many, 1, 2)),
        ),
        "keras.Model.predict": (
            lambda: model.predict(one, verbose=0),
            lambda: model.predict(many, batch_size=256, verbose=0),
        ),
    }
    for single, _ in calls.values():
        median_time(single, 30)
    return {
        name: {"one series": median_time(single, 50), f"{BULK} series": median_time(bulk, 7)}
        for name, (single, bulk) in calls.items()
    }


def predict_tsai() -> Figures:
    """Tsai's module, in evaluation mode, without its learner."""
    import torch
    from tsai.models.RNN_FCN import MLSTM_FCN

    X, y = motions()
    network = MLSTM_FCN(X.shape[1], len(set(y)), seq_len=X.shape[2], hidden_size=8).eval()
    many = np.resize(X, (BULK, *X.shape[1:]))

    def call(series: np.ndarray) -> Any:
        with torch.inference_mode():
            return torch.softmax(network(torch.from_numpy(series)), 1).numpy()

    return {
        "one series": median_time(lambda: call(X[:1]), 50),
        f"{BULK} series": median_time(lambda: [call(many[i : i + 256]) for i in range(0, BULK, 256)], 7),
    }


def grow(fit: Callable[[], Any]) -> Figures:
    """Growth of memory over 50 fits, after three warm-up fits, and peak memory."""
    import resource

    for _ in range(3):
        fit()
    before = resident()
    for _ in range(FITS - 3):
        fit()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return {f"memory left by {FITS} fits": resident() - before, f"peak memory of {FITS} fits": peak}


def grow_this_package() -> Figures:
    """Memory of fits of this package, with a prediction after each."""
    from mlstm_fcn import MLSTMFCNClassifier

    X, y = motions()
    return grow(lambda: MLSTMFCNClassifier(n_epochs=1).fit(X, y).predict(X))


def grow_sktime() -> Figures:
    """Memory of fits of sktime's estimator, with a prediction after each."""
    from sktime.classification.deep_learning.lstmfcn import LSTMFCNClassifier

    X, y = motions()
    return grow(lambda: LSTMFCNClassifier(n_epochs=1, batch_size=BATCH).fit(X, y).predict(X))


def memory_mapped() -> Figures:
    """Peak memory of a fit of a small network on a file of 3 GiB, and how busy the cores are in its epoch."""
    import resource

    import keras

    from mlstm_fcn import MLSTMFCNClassifier

    class Clock(keras.callbacks.Callback):
        times: ClassVar[list[tuple[float, float]]] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.times.append((time.process_time(), time.perf_counter()))

        on_epoch_end = on_epoch_begin

    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        n_cases = 3 * 2**30 // (4 * 256 * 128)
        written = np.lib.format.open_memmap(file.name, "w+", np.float32, (n_cases, 256, 128))
        del written  # a sparse file: no disk space, but as many pages in memory
        X = np.load(file.name, mmap_mode="r")
        options: dict[str, Any] = {"filters": (16, 32, 16), "reduction": 4, "callbacks": [Clock()]}
        MLSTMFCNClassifier(n_epochs=1, batch_size=64, **options).fit(X, np.arange(n_cases) % 2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    (busy, wall) = (last - first for first, last in zip(*Clock.times, strict=True))
    share = busy / wall / len(os.sched_getaffinity(0))
    return {"peak memory of a fit on a file of 3 GiB": peak, "cores busy in a fit on a file of 3 GiB": share}


MEASUREMENTS: dict[str, tuple[Callable[[], Any], str]] = {
    "fit": (fit_this_package, "this package"),
    "fit, sktime": (fit_sktime, "sktime LSTM-FCN"),
    "fit, tsai": (fit_tsai, "tsai TSClassifier"),
    "first fit": (first_fit, "this package"),
    "first fit, JAX": (first_fit, "this package, JAX"),
    "first fit, sktime": (first_fit_sktime, "sktime LSTM-FCN"),
    "prediction": (predict_tensorflow, ""),
    "prediction, tsai": (predict_tsai, "tsai module"),
    "memory": (grow_this_package, "this package"),
    "memory, sktime": (grow_sktime, "sktime LSTM-FCN"),
    "file": (memory_mapped, "this package"),
}
SLOW = ("memory", "memory, sktime", "file")  # once


def unit(figure: str) -> str:
    """The unit: megabytes for memory, a share for cores, else seconds."""
    return "MB" if "memory" in figure else "share" if "cores" in figure else "s"


def measured(name: str, data: str) -> dict[str, Figures]:
    """Measure in a subprocess. Empty if a package is not installed."""
    backend = "jax" if name.endswith("JAX") else "tensorflow"
    quiet = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "MOTIONS": data}
    command = [sys.executable, "-P", __file__, "--one", name]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **quiet})
    if result.returncode:
        missing = "ModuleNotFoundError" in result.stderr
        print(f"  {name}: {'not installed' if missing else result.stderr[-600:]}", file=sys.stderr)
        return {}
    return dict(json.loads(result.stdout.splitlines()[-1]))


def rows(values: dict[tuple[str, str], list[float]]) -> list[tuple[str, ...]]:
    """One row per figure and candidate, with the ratio to the figure's first candidate."""
    median = {key: statistics.median(found) for key, found in values.items()}
    table = []
    for (figure, candidate), value in sorted(median.items(), key=lambda item: item[0][0]):
        reference = next(name for other, name in median if other == figure)
        ratio = f"{value / median[figure, reference]:.2f}"
        table.append((figure, unit(figure), candidate, f"{value:.4g}", reference, ratio))
    return table


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=list(MEASUREMENTS), choices=list(MEASUREMENTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".csv"))
    parser.add_argument("--one", choices=list(MEASUREMENTS), help="measure in this process")
    options = parser.parse_args()
    if options.one:
        function, candidate = MEASUREMENTS[options.one]
        figures = function()
        print("\n" + json.dumps({candidate: figures} if candidate else figures))
        return
    values: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        from mlstm_fcn import datasets

        X, y = datasets.load("BasicMotions", "train")
        np.savez(data := f"{folder}/motions.npz", X=X.astype(np.float32), y=y)
        for number in range(options.rounds):
            for name in [name for name in options.only if number == 0 or name not in SLOW]:
                for candidate, figures in measured(name, data).items():
                    for figure, value in figures.items():
                        values.setdefault((figure, candidate), []).append(value)
            with options.output.open("w", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([FIELDS, *rows(values)])
    print(options.output.read_text())


if __name__ == "__main__":
    main()
