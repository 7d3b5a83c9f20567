"""Operations of a training step of the default recipe on TensorFlow: which take its time.

    python benchmarks/step.py

TensorFlow's profiler records some epochs after the first ones. Each operation counts with its median over
the steps, since one that waits for a core takes far longer. Operations are summed over the threads, so the
sum of all may exceed the length of a step; the table has their shares. The result is written to `step.csv`.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from speed import BATCH, SHAPES

from mlstm_fcn.engine.devices import fast_flags

FIELDS = ("data set", "precision", "part", "operations a step", "ms a step", "share", "CPU")
STEPS = 36  # recorded; of far more the profiler drops some
REST = "rest: reads, casts, random numbers, control"
PARTS = {  # the first one that matches the type of an operation
    "convolution, gradient of kernels": ("Conv2DBackpropFilter",),
    "convolution, gradient of series": ("Conv2DBackpropInput",),
    "convolution": ("Conv2D", "BatchToSpaceND", "SpaceToBatchND"),
    "batch normalisation": ("FusedBatchNorm",),
    "LSTM": ("BlockLSTM",),
    "Adam": ("ResourceApplyAdam", "AssignSubVariableOp", "Pow"),
    "between the layers: ReLU, gates, sums, layout": (
        *("Relu", "Mul", "AddN", "AddV2", "Mean", "Sum", "RealDiv", "BroadcastTo", "Transpose"),
        *("SelectV2", "MatMul", "Softmax", "Sigmoid"),
    ),
}


def part_of(operation: str) -> str:
    """The part of a step that an operation is, by its type, such as `_MklNativeConv2D`."""
    return next((part for part, kinds in PARTS.items() if any(kind in operation for kind in kinds)), REST)


def profile(name: str, precision: Any) -> tuple[Counter[str], Counter[str]]:
    """Milliseconds and number of operations a step, by part."""
    import keras
    import tensorflow as tf

    from mlstm_fcn import engine, models
    from mlstm_fcn.training.dataset import BatchSource, Dataset

    n_cases, channels, steps, classes = SHAPES[name]
    X = np.random.default_rng(0).normal(size=(n_cases, steps, channels)).astype(np.float32)
    targets = np.eye(classes, dtype=np.float32)[np.arange(n_cases) % classes]
    source = BatchSource(Dataset([X], targets, np.ones(n_cases, np.float32)))
    batches = np.array_split(np.arange(n_cases), -(-n_cases // BATCH))
    network = models.build("mlstm_fcn", (steps, channels), classes, dilation_rates=0.5)
    given = network, keras.optimizers.AdamW(1e-3), "categorical_crossentropy", ["accuracy"]
    with (
        engine.current().program(*given, reusable=False, precision=precision) as program,
        tempfile.TemporaryDirectory() as folder,
    ):
        program.prepare(source)
        for _ in range(3):
            program.train(source, batches, np.full(len(batches), 1e-3))
        tf.profiler.experimental.start(folder)
        for _ in range(STEPS // len(batches)):
            program.train(source, batches, np.full(len(batches), 1e-3))
        tf.profiler.experimental.stop()
        return recorded(Path(folder), STEPS // len(batches) * len(batches))


def recorded(folder: Path, n_steps: int) -> tuple[Counter[str], Counter[str]]:
    """Milliseconds and number of operations a step that the profiler has written, by part."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    (path,) = folder.rglob("*.xplane.pb")
    space.ParseFromString(path.read_bytes())
    durations: defaultdict[str, list[float]] = defaultdict(list)
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            durations[plane.event_metadata[event.metadata_id].name].append(event.duration_ps / 1e9)
    milliseconds: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for name, every in durations.items():
        scope, _, operation = name.rpartition(":")
        if "/" in scope:  # an operation of the graph has a scope; what runs it has none
            milliseconds[part_of(operation)] += statistics.median(every) * len(every) / n_steps
            count[part_of(operation)] += len(every) / n_steps
    return milliseconds, count


def rows(name: str, precision: str) -> list[dict[str, str]]:
    """The rows of one data set in one precision."""
    milliseconds, count = profile(name, precision)
    whole, cpu = sum(milliseconds.values()), " ".join(sorted(fast_flags())) or "no bfloat16"
    table = [
        (name, precision, part, f"{count[part]:.0f}", f"{taken:.3f}", f"{taken / whole:.2f}", cpu)
        for part, taken in milliseconds.most_common()
    ]
    return [dict(zip(FIELDS, values, strict=True)) for values in table]


def main() -> None:
    """Profile, print, save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["BasicMotions", "NATOPS"], choices=list(SHAPES))
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".csv"))
    options = parser.parse_args()
    table = [
        row for name in options.data for precision in options.precisions for row in rows(name, precision)
    ]
    with options.output.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    print(options.output.read_text())


if __name__ == "__main__":
    main()
