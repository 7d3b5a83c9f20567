"""Epochs and latency on a GPU: this package, Keras, tsai and aeon, against the card's own floor.

    pip install '.[gpu]' && python benchmarks/gpu.py

Reasoned, not run: no GPU was at hand, so there is no `gpu.csv` yet. `--cpu` runs the same candidates on the
CPU, which tests the script and says nothing of GPUs.

The floor of an epoch is three undilated convolutions alone, forward and backward; that of a prediction is
their forward pass. Both are compiled, in the same framework, and wait for the device once an epoch or call.
A candidate runs in a subprocess; the whole takes less than five minutes (`--seconds`), and what does not
fit is not measured. tsai and aeon are measured if they are installed. The result is written to `gpu.csv`.
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

SHAPES = {  # cases, channels, steps, classes, batch size
    "BasicMotions": (40, 6, 100, 4, 16),  # the default recipe's batches: mostly the cost of launches
    "large": (2048, 9, 144, 25, 256),  # large batches: mostly arithmetic
}
FILTERS, KERNELS, LATENCY_CALLS = (128, 256, 128), (8, 5, 3), 30
FIELDS = ("device", "shape", "candidate", "epoch ms", "times floor", "one series ms", "times its floor")
HIDDEN = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}

Figures = dict[str, float]


def problem(shape: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Random series `(cases, channels, time)`, their labels, and the batch size."""
    cases, channels, steps, classes, batch = SHAPES[shape]
    X = np.random.default_rng(0).normal(size=(cases, channels, steps)).astype(np.float32)
    return X, np.arange(cases) % classes, batch


def median_ms(call: Callable[[], Any], times: int) -> float:
    """Median of repeated calls, after three that warm up; a call waits for the device."""
    taken = []
    for _ in range(times + 3):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(taken[3:])


def kernels_of(channels: int) -> list[np.ndarray]:
    """Kernels of the three convolutions."""
    rng, sizes = np.random.default_rng(0), (channels, *FILTERS)
    shapes = zip(KERNELS, sizes, FILTERS, strict=False)
    return [rng.normal(0, 0.05, shape).astype(np.float32) for shape in shapes]


def parts(X: np.ndarray, batch: int) -> list[np.ndarray]:
    """The batches of an epoch, `(batch, time, channels)`."""
    X = np.ascontiguousarray(np.swapaxes(X, 1, 2))
    return np.array_split(X, -(-len(X) // batch))


def floor_tensorflow(X: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> Figures:
    """The convolutions alone."""
    import tensorflow as tf

    kernels = [*map(tf.Variable, kernels_of(X.shape[1]))]

    def forward(series: Any) -> Any:
        for kernel in kernels:
            series = tf.nn.conv1d(series, kernel, 1, "SAME")
        return series

    signature = [tf.TensorSpec((None, X.shape[2], X.shape[1]))]

    @tf.function(autograph=False, input_signature=signature)
    def step(series: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(forward(series))
        return tape.gradient(loss, kernels)

    data = [*map(tf.constant, parts(X, batch))]
    predict = tf.function(forward, autograph=False, input_signature=signature)
    return {
        "epoch": median_ms(lambda: [step(one) for one in data][-1][0].numpy(), epochs),
        "latency": median_ms(lambda: predict(data[0][:1]).numpy(), LATENCY_CALLS),
    }


def floor_jax(X: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> Figures:
    """The convolutions alone."""
    import jax
    from jax import lax

    kernels = kernels_of(X.shape[1])

    def forward(kernels: Any, x: Any) -> Any:
        for kernel in kernels:
            x = lax.conv_general_dilated(x, kernel, (1,), "SAME", dimension_numbers=("NWC", "WIO", "NWC"))
        return x

    step, predict = jax.jit(jax.grad(lambda kernels, x: forward(kernels, x).sum())), jax.jit(forward)
    data = [*map(jax.device_put, parts(X, batch))]
    return {
        "epoch": median_ms(lambda: jax.block_until_ready([step(kernels, one) for one in data]), epochs),
        "latency": median_ms(lambda: jax.block_until_ready(predict(kernels, data[0][:1])), LATENCY_CALLS),
    }


def ours(X: np.ndarray, y: np.ndarray, batch: int, epochs: int, precision: Any = "auto") -> Figures:
    """This package's classifier with its default recipe, in batches of this size."""
    from speed import EpochTimes

    from mlstm_fcn import Engine, MLSTMFCNClassifier

    times, options = EpochTimes(), {"batch_size": batch, "engine": Engine(precision=precision)}
    classifier = MLSTMFCNClassifier(n_epochs=epochs + 3, callbacks=[times.callback()], **options).fit(X, y)
    latency = median_ms(lambda: classifier.predict_proba(X[:1]), LATENCY_CALLS)
    return {"epoch": 1e3 * times.seconds(), "latency": latency}


def ours_float32(X: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> Figures:
    """The same in float32."""
    return ours(X, y, batch, epochs, "float32")


def keras_fit(X: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> Figures:
    """The same network with Keras' own `fit` and `predict`."""
    from speed import EpochTimes

    from mlstm_fcn import models

    n_classes, times = len(np.unique(y)), EpochTimes()
    model = models.build("mlstm_fcn", (X.shape[2], X.shape[1]), n_classes, dilation_rates=0.5)
    model.compile("adamw", "categorical_crossentropy", metrics=["accuracy"])
    series, targets = np.swapaxes(X, 1, 2), np.eye(n_classes, dtype=np.float32)[y]
    options = {"batch_size": batch, "epochs": epochs + 3, "verbose": 0, "callbacks": [times.callback()]}
    model.fit(series, targets, **options)
    latency = median_ms(lambda: model.predict(series[:1], verbose=0), LATENCY_CALLS)
    return {"epoch": 1e3 * times.seconds(), "latency": latency}


def tsai_loop(X: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> Figures:
    """Tsai's MLSTM-FCN in a bare PyTorch loop, without its learner."""
    import torch
    from tsai.models.RNN_FCN import MLSTM_FCN

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = MLSTM_FCN(X.shape[1], len(set(y)), seq_len=X.shape[2], hidden_size=8).to(device)
    optimizer, loss = torch.optim.Adam(network.parameters(), 1e-3), torch.nn.CrossEntropyLoss()
    data, targets = torch.tensor(X, device=device), torch.tensor(y, device=device)

    def epoch() -> float:
        network.train()
        for cases in torch.randperm(len(data), device=device).split(batch):
            optimizer.zero_grad()
            last = loss(network(data[cases]), targets[cases])
            last.backward()
            optimizer.step()
        return float(last)

    figures = {"epoch": median_ms(epoch, epochs)}
    network.eval()
    with torch.inference_mode():
        return figures | {"latency": median_ms(lambda: network(data[:1]).cpu(), LATENCY_CALLS)}


def aeon_fcn(X: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> Figures:
    """Aeon's FCN, which has neither an LSTM nor squeeze-and-excitation."""
    import tempfile

    from aeon.classification.deep_learning import FCNClassifier
    from speed import EpochTimes

    times = EpochTimes()
    with tempfile.TemporaryDirectory() as folder:
        options: dict[str, Any] = {"file_path": f"{folder}/", "callbacks": [times.callback()]}
        classifier = FCNClassifier(n_epochs=epochs + 3, batch_size=batch, **options).fit(X, y)
        latency = median_ms(lambda: classifier.predict_proba(X[:1]), LATENCY_CALLS)
    return {"epoch": 1e3 * times.seconds(), "latency": latency}


CANDIDATES: dict[str, tuple[Callable[[np.ndarray, np.ndarray, int, int], Figures], str, str]] = {
    "floor, TensorFlow": (floor_tensorflow, "tensorflow", "floor, TensorFlow"),
    "this package, TensorFlow": (ours, "tensorflow", "floor, TensorFlow"),
    "floor, JAX": (floor_jax, "jax", "floor, JAX"),
    "this package, JAX": (ours, "jax", "floor, JAX"),
    "Keras fit, TensorFlow": (keras_fit, "tensorflow", "floor, TensorFlow"),
    "this package in float32, TensorFlow": (ours_float32, "tensorflow", "floor, TensorFlow"),
    "Keras fit, JAX": (keras_fit, "jax", "floor, JAX"),
    "tsai network, PyTorch loop": (tsai_loop, "tensorflow", "floor, TensorFlow"),
    "aeon FCN": (aeon_fcn, "tensorflow", "floor, TensorFlow"),
}


def measured(candidate: str, shape: str, epochs: int, seconds: float, settings: dict[str, str]) -> Figures:
    """Figures from a subprocess; none if a package is missing or the time is over."""
    command = [sys.executable, __file__, "--one", candidate, "--shapes", shape, "--epochs", str(epochs)]
    settings = {"KERAS_BACKEND": CANDIDATES[candidate][1], "TF_CPP_MIN_LOG_LEVEL": "3", **settings}
    settings["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    try:
        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env={**os.environ, **settings},
            timeout=max(seconds, 0.01),
        )
    except subprocess.TimeoutExpired:
        print(f"  {candidate}: not measured, the time is over", file=sys.stderr)
        return {}
    if result.returncode:
        missing = "ModuleNotFoundError" in result.stderr
        print(f"  {candidate}: {'not installed' if missing else result.stderr[-600:]}", file=sys.stderr)
        return {}
    return dict(json.loads(result.stdout.splitlines()[-1]))


def row(device: str, shape: str, candidate: str, figures: Figures, floor: Figures) -> dict[str, str]:
    """A row of the table."""
    values = [device, shape, candidate]
    for name in ("epoch", "latency"):
        ratio = f"{figures[name] / floor[name]:.2f}" if floor else ""
        values += [f"{figures[name]:.3f}", ratio]
    return dict(zip(FIELDS, values, strict=True))


def gpu_or_exit() -> str:
    """The name of the card that TensorFlow sees."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))
    from mlstm_fcn.engine.placement import unusable_gpu

    problem = unusable_gpu(["cpu:0"], "tensorflow") or "TensorFlow sees no GPU, and the system shows none."
    raise SystemExit(f"{problem} `--cpu` tests the script without one.")


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cpu", action="store_true", help="hide GPUs, to test this script")
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--candidates", nargs="+", default=list(CANDIDATES), choices=list(CANDIDATES))
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=290, help="for the whole run")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".csv"))
    parser.add_argument("--one", choices=list(CANDIDATES), help="measure one candidate in this process")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(CANDIDATES[options.one][0](*problem(options.shapes[0]), options.epochs)))
        return
    end, device = time.monotonic() + options.seconds, "CPU" if options.cpu else gpu_or_exit()
    rows: list[dict[str, str]] = []
    for shape in options.shapes:
        floors: dict[str, Figures] = {}
        for candidate in options.candidates:
            left, hidden = end - time.monotonic(), HIDDEN if options.cpu else {}
            figures = measured(candidate, shape, options.epochs, left, hidden)
            if figures:
                floors.setdefault(candidate, figures)
                rows.append(row(device, shape, candidate, figures, floors.get(CANDIDATES[candidate][2], {})))
                print("  ".join(rows[-1].values()), flush=True)
                with options.output.open("w", newline="") as file:
                    table = csv.DictWriter(file, FIELDS, lineterminator="\n")
                    table.writeheader()
                    table.writerows(rows)


if __name__ == "__main__":
    main()
