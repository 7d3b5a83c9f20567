"""Train the members of an ensemble one after another, as this package does, or all in one step.

    pip install . && python benchmarks/ensemble.py

For three shapes of the archive: the ratio of five steps of one network to one step of five networks, and the
compilation time. The result is written to `ensemble.csv`.
"""

import csv
import statistics
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from mlstm_fcn import models

SHAPES = {"Libras": (45, 2, 15), "ArticularyWordRecognition": (144, 9, 25), "BasicMotions": (100, 6, 4)}
N_MEMBERS, BATCH = 5, 16


def joined(n_members: int, steps: int, channels: int, n_classes: int) -> keras.Model:
    """A model of several networks with the same input, trained in one step."""
    series = keras.Input((steps, channels))
    outputs = []
    for number in range(n_members):
        network = models.build("mlstm_fcn", (steps, channels), n_classes, dilation_rates=0.5)
        outputs.append(keras.Model(network.input, network.output, name=f"member_{number}")(series))
    model = keras.Model(series, outputs)
    model.compile(keras.optimizers.AdamW(1e-3), loss=["categorical_crossentropy"] * n_members)
    return model


def times(model: keras.Model, steps: int, channels: int, n_classes: int) -> tuple[float, float]:
    """Seconds of the first step, which compiles, and of a later step."""
    x = tf.constant(np.random.default_rng(0).normal(size=(BATCH, steps, channels)).astype(np.float32))
    y = tf.constant(np.eye(n_classes, dtype=np.float32)[np.arange(BATCH) % n_classes])
    targets = [y] * len(model.outputs)
    step = tf.function(lambda: model.train_step((x, targets)))
    seconds = []
    for _ in range(25):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return seconds[0], statistics.median(seconds[5:])


def main() -> None:
    """Measure, print, save."""
    table = [("shape of", "five steps of one / one step of five", "compile one s", "compile five s")]
    for name, shape in SHAPES.items():
        compile_one, one = times(joined(1, *shape), *shape)
        compile_five, five = times(joined(N_MEMBERS, *shape), *shape)
        ratio = N_MEMBERS * one / five
        table.append((name, f"{ratio:.2f}", f"{compile_one:.1f}", f"{compile_five:.1f}"))
        print(*table[-1], sep=" | ", flush=True)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)


if __name__ == "__main__":
    main()
