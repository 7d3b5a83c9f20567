"""Gain of grouped convolutions: TensorFlow's implementation against kernels padded with zeros.

    pip install . && python benchmarks/groups.py

The same networks on series of 100 steps and 6 channels: a training step of 16 series, predictions of 16 and
of 1. The candidates alternate. Ratios of medians are written to `groups.csv`.
"""

import csv
import statistics
import time
from pathlib import Path
from unittest.mock import patch

import keras
import numpy as np
import tensorflow as tf

from mlstm_fcn import models
from mlstm_fcn.engine import on_tensorflow
from mlstm_fcn.engine.convolution import ungrouped

LENGTH, CHANNELS, N_CLASSES, BATCH, ROUNDS = 100, 6, 4, 16, 20
NETWORKS = ("resnext", "se_resnext", "sknet")


def filled_up(series, kernel, strides=1, padding="valid"):
    """The engine's convolution, computed in the same way as its gradient."""
    whole = ungrouped(kernel, series.shape[-1] // kernel.shape[-2])
    return keras.ops.conv(series, whole, strides=strides, padding=padding)


def calls(name, convolve):
    """Compile a training step, and predictions of a batch and of one series."""
    network = models.build(name, (LENGTH, CHANNELS), N_CLASSES)
    network.compile(keras.optimizers.AdamW(1e-3), "categorical_crossentropy")
    random = np.random.default_rng(0).normal(size=(BATCH, LENGTH, CHANNELS))
    x, y = tf.constant(random, tf.float32), tf.constant(np.eye(N_CLASSES, dtype="float32")[[0, 1, 2, 3] * 4])
    compiled = [
        tf.function(lambda: network.train_step((x, y))),
        tf.function(lambda: network(x, training=False)),
        tf.function(lambda: network(x[:1], training=False)),
    ]
    with patch.object(on_tensorflow, "_conv_with_gradient", convolve):
        for call in compiled:
            call()
    return compiled


def medians(candidates):
    """Median seconds of each call of each candidate."""
    times = [[[] for _ in compiled] for compiled in candidates]
    for _ in range(ROUNDS):
        for compiled, seconds in zip(candidates, times, strict=True):
            for call, spent in zip(compiled, seconds, strict=True):
                start = time.perf_counter()
                call()
                spent.append(time.perf_counter() - start)
    return [list(map(statistics.median, seconds)) for seconds in times]


def main() -> None:
    """Measure, print, save."""
    table = [("grouped / filled up", "training step", "prediction of 16", "prediction of one")]
    for name in NETWORKS:
        ours, other = medians([calls(name, on_tensorflow._conv_with_gradient), calls(name, filled_up)])
        table.append((name, *(f"{a / b:.2f}" for a, b in zip(ours, other, strict=True))))
        print(*table[-1], sep=" | ", flush=True)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)


if __name__ == "__main__":
    main()
