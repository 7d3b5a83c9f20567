"""Time of an epoch: this package, Keras, sktime and tsai, relative to the floor.

    pip install '.[jax,bench]' && python benchmarks/speed.py

All train with the batches of the default recipe, 16 series each. This package and Keras' `fit` train the
default network, with its dilations; the other packages have none. The floor is three undilated convolutions
alone, forward and backward, in float32, in the same framework and batches. Each figure is measured in a
subprocess, in several alternating rounds, as the median over epochs after the first few. The table has times
and ratios to the floor; only the ratios carry over to other machines. tsai is measured if it is installed
(`pip install tsai`). If a data set cannot be loaded, random series of its shape replace it, and the table
says so. The last column has the CPU's flags that make 16 bits fast. The result is written to `speed.csv`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mlstm_fcn.engine.devices import fast_flags

SHAPES = {  # cases, channels, steps, classes
    "BasicMotions": (40, 6, 100, 4),
    "JapaneseVowels": (270, 12, 29, 9),
    "NATOPS": (180, 24, 51, 6),
    "ArticularyWordRecognition": (275, 9, 144, 25),
    "Libras": (180, 2, 45, 15),
}
FILTERS, KERNELS, BATCH = (128, 256, 128), (8, 5, 3), 16
FIELDS = ("data set", "series", "candidate", "epoch s", "floor", "times floor", "CPU")


def series(name: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Training series padded to one length, their labels, and `"real"` or `"random"`."""
    from mlstm_fcn import datasets
    from mlstm_fcn.preprocess import pad

    cases, channels, steps, classes = SHAPES[name]
    try:
        X, y = datasets.load(name, "train", offline=True)
    except OSError:
        rng = np.random.default_rng(0)
        return rng.normal(size=(cases, channels, steps)), np.arange(cases) % classes, "random"
    X = np.nan_to_num(pad(X) if isinstance(X, list) else X)
    X = np.pad(X, ((0, 0), (0, 0), (0, steps - X.shape[2])))
    return X, y, "real"


class EpochTimes:
    """Record the end time of each epoch in a Keras callback."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def callback(self) -> Any:
        """The callback."""
        import keras

        ends = self.ends

        class Times(keras.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                ends.append(time.perf_counter())

            def __deepcopy__(self, memo: Any) -> Times:
                return self

        return Times()

    def seconds(self) -> float:
        """The median time of an epoch, without the first three."""
        return statistics.median(np.diff(self.ends)[2:])


def loop(epoch: Callable[[], Any], epochs: int) -> float:
    """Median seconds of repeated calls of an epoch."""
    times = EpochTimes()
    for _ in range(epochs):
        epoch()
        times.ends.append(time.perf_counter())
    return times.seconds()


def batches(X: np.ndarray) -> list[np.ndarray]:
    """The batches of an epoch, `(batch, time, channels)` float32."""
    X = np.ascontiguousarray(np.swapaxes(X, 1, 2), np.float32)
    return np.array_split(X, -(-len(X) // BATCH))


def floor_tensorflow(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """The convolutions alone."""
    import tensorflow as tf

    sizes = (X.shape[1], *FILTERS)
    kernels = [
        tf.Variable(tf.random.normal((k, i, o)) * 0.05)
        for k, i, o in zip(KERNELS, sizes, FILTERS, strict=False)
    ]

    @tf.function(autograph=False, input_signature=[tf.TensorSpec((None, X.shape[2], X.shape[1]))])
    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            for kernel in kernels:
                x = tf.nn.conv1d(x, kernel, 1, "SAME")
            loss = tf.reduce_sum(x)
        return tape.gradient(loss, kernels)

    parts = [tf.constant(batch) for batch in batches(X)]
    return loop(lambda: [step(part)[0].numpy() for part in parts], epochs)


def floor_jax(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """The convolutions alone."""
    import jax
    from jax import lax

    sizes = (X.shape[1], *FILTERS)
    keys = jax.random.split(jax.random.PRNGKey(0), 3)
    kernels = [
        jax.random.normal(key, (k, i, o)) * 0.05
        for key, k, i, o in zip(keys, KERNELS, sizes, FILTERS, strict=False)
    ]

    def loss(kernels: Any, x: Any) -> Any:
        for kernel in kernels:
            x = lax.conv_general_dilated(x, kernel, (1,), "SAME", dimension_numbers=("NWC", "WIO", "NWC"))
        return x.sum()

    step = jax.jit(jax.grad(loss))
    parts = [jax.device_put(batch) for batch in batches(X)]
    return loop(lambda: [jax.block_until_ready(step(kernels, part)) for part in parts], epochs)


def keras_fit(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """The same network with Keras' own `fit`."""
    import keras

    from mlstm_fcn import models

    labels, targets = np.unique(y, return_inverse=True)
    model = models.build("mlstm_fcn", input_shape=(X.shape[2], X.shape[1]), n_classes=len(labels))
    model.compile("adamw", "categorical_crossentropy", metrics=["accuracy"])
    times = EpochTimes()
    data = np.swapaxes(X, 1, 2).astype(np.float32), np.eye(len(labels), dtype=np.float32)[targets]
    model.fit(*data, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[times.callback()])
    keras.utils.clear_session()
    return times.seconds()


def ours(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """This package's classifier with its default recipe."""
    from mlstm_fcn import MLSTMFCNClassifier

    times = EpochTimes()
    MLSTMFCNClassifier(n_epochs=epochs, callbacks=[times.callback()], random_state=0).fit(X, y)
    return times.seconds()


def ours_float32(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """The same in float32, which the default is only on CPUs without bfloat16 arithmetic."""
    from mlstm_fcn import Engine, MLSTMFCNClassifier

    times = EpochTimes()
    options = {"engine": Engine(precision="float32"), "callbacks": [times.callback()], "random_state": 0}
    MLSTMFCNClassifier(n_epochs=epochs, **options).fit(X, y)
    return times.seconds()


def ours_undilated(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """The same without dilations, as in the other packages."""
    from mlstm_fcn import MLSTMFCNClassifier

    times = EpochTimes()
    options = {"dilation_rates": None, "callbacks": [times.callback()], "random_state": 0}
    MLSTMFCNClassifier(n_epochs=epochs, **options).fit(X, y)
    return times.seconds()


def sktime_lstm_fcn(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """Sktime's LSTM-FCN, which has no squeeze-and-excitation."""
    from sktime.classification.deep_learning.lstmfcn import LSTMFCNClassifier

    times = EpochTimes()
    LSTMFCNClassifier(n_epochs=epochs, batch_size=BATCH, callbacks=[times.callback()]).fit(X, y)
    return times.seconds()


def tsai_loop(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """Tsai's MLSTM-FCN in a bare PyTorch loop, without its learner."""
    import torch
    from tsai.models.RNN_FCN import MLSTM_FCN

    labels, targets = np.unique(y, return_inverse=True)
    network = MLSTM_FCN(X.shape[1], len(labels), seq_len=X.shape[2], hidden_size=8)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    loss = torch.nn.CrossEntropyLoss()
    data, size = torch.tensor(X, dtype=torch.float32), BATCH
    targets = torch.tensor(targets)

    def epoch() -> None:
        network.train()
        order = torch.randperm(len(data))
        for start in range(0, len(data), size):
            cases = order[start : start + size]
            optimizer.zero_grad()
            loss(network(data[cases]), targets[cases]).backward()
            optimizer.step()

    return loop(epoch, epochs)


CANDIDATES: dict[str, tuple[Callable[[np.ndarray, np.ndarray, int], float], str, str | None]] = {
    "floor, TensorFlow": (floor_tensorflow, "tensorflow", None),
    "this package, TensorFlow": (ours, "tensorflow", "floor, TensorFlow"),
    "float32, TensorFlow": (ours_float32, "tensorflow", "floor, TensorFlow"),
    "undilated, TensorFlow": (ours_undilated, "tensorflow", "floor, TensorFlow"),
    "Keras fit, TensorFlow": (keras_fit, "tensorflow", "floor, TensorFlow"),
    "sktime LSTM-FCN": (sktime_lstm_fcn, "tensorflow", "floor, TensorFlow"),
    "tsai network, PyTorch loop": (tsai_loop, "tensorflow", "floor, TensorFlow"),
    "floor, JAX": (floor_jax, "jax", None),
    "this package, JAX": (ours, "jax", "floor, JAX"),
    "Keras fit, JAX": (keras_fit, "jax", "floor, JAX"),
}


def measured(candidate: str, name: str, epochs: int) -> float | None:
    """Seconds of an epoch, in a subprocess; None if a package is not installed."""
    command = [sys.executable, "-P", __file__, "--one", candidate, "--datasets", name]
    command += ["--epochs", str(epochs)]
    settings = {"KERAS_BACKEND": CANDIDATES[candidate][1], "TF_CPP_MIN_LOG_LEVEL": "3"}
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **settings})
    if result.returncode:
        missing = "ModuleNotFoundError" in result.stderr
        print(f"  {candidate}: {'not installed' if missing else result.stderr[-300:]}", file=sys.stderr)
        return None
    return float(json.loads(result.stdout.splitlines()[-1]))


def compare(name: str, candidates: list[str], rounds: int, epochs: int) -> list[dict[str, str]]:
    """Rows for one data set."""
    figures: dict[str, list[float]] = {candidate: [] for candidate in candidates}
    for _ in range(rounds):
        for candidate in candidates:
            if (seconds := measured(candidate, name, epochs)) is not None:
                figures[candidate].append(seconds)
    median = {candidate: statistics.median(seconds) for candidate, seconds in figures.items() if seconds}
    rows = []
    for candidate, seconds in median.items():
        floor = CANDIDATES[candidate][2] or candidate
        ratio = f"{seconds / median[floor]:.2f}" if floor in median else ""
        cpu = " ".join(sorted(fast_flags())) or "no bfloat16"
        values = (name, series(name)[2], candidate, f"{seconds:.4f}", floor, ratio, cpu)
        rows.append(dict(zip(FIELDS, values, strict=True)))
        print("".join(f"{row:<28}" for row in values), flush=True)
    return rows


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--candidates", nargs="+", default=list(CANDIDATES), choices=list(CANDIDATES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".csv"))
    parser.add_argument("--one", choices=list(CANDIDATES), help="measure one candidate in this process")
    options = parser.parse_args()
    if options.one:
        X, y, _ = series(options.datasets[0])
        print(json.dumps(CANDIDATES[options.one][0](X, y, options.epochs)))
        return
    rows: list[dict[str, str]] = []
    for name in options.datasets:
        rows += compare(name, options.candidates, options.rounds, options.epochs)
        save(rows, options.output)


def save(rows: list[dict[str, str]], path: Path) -> None:
    """Write the results so far."""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, FIELDS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
