"""Cost of dilation: a training step of the default network, relative to the network without dilation.

    pip install . && python benchmarks/dilation.py

On TensorFlow, with batches of 16 and shapes of the archive. "native" is the framework's dilated
convolution. "rows" is a plain convolution over a series reshaped to rows
(`mlstm_fcn/engine/convolution.py`). "three scales" divides the filters of each block among three dilations,
computed in the way that the package chooses on this CPU. The candidates alternate. Medians are written to
`dilation.csv`.
"""

import csv
import statistics
import time
from pathlib import Path
from unittest.mock import patch

import keras
import numpy as np
import tensorflow as tf

from mlstm_fcn import engine, models

SHAPES = {
    "Handwriting": (152, 3, 26),
    "ArticularyWordRecognition": (144, 9, 25),
    "HandMovementDirection": (400, 10, 4),
    "StandWalkJump": (2500, 4, 3),
}
BATCH, ROUNDS = 16, 20


def step(shape, in_rows, **options):
    """Compile a training step; dilated convolutions are computed in rows, or by TensorFlow itself."""
    length, channels, n_classes = shape
    network = models.build("mlstm_fcn", (length, channels), n_classes, **options)
    network.compile(keras.optimizers.AdamW(1e-3), "categorical_crossentropy")
    x = tf.constant(np.random.default_rng(0).normal(size=(BATCH, length, channels)).astype(np.float32))
    y = tf.constant(np.eye(n_classes, dtype=np.float32)[np.arange(BATCH) % n_classes])
    compiled = tf.function(lambda: network.train_step((x, y)))
    with patch.object(engine.current(), "dilates_in_rows", in_rows):
        compiled()
    return compiled


def main() -> None:
    """Measure, print, save."""
    table = [("shape of", "native / undilated", "rows / undilated", "three scales / undilated")]
    chosen = engine.current().dilates_in_rows
    for name, shape in SHAPES.items():
        steps = [
            step(shape, chosen, dilation_rates=None),
            step(shape, False, dilation_rates=0.5),
            step(shape, True, dilation_rates=0.5),
            step(shape, chosen, dilation_rates=0.5, dilation_scales=3),
        ]
        times = [[] for _ in steps]
        for _ in range(ROUNDS):
            for run, seconds in zip(steps, times, strict=True):
                start = time.perf_counter()
                run()
                seconds.append(time.perf_counter() - start)
        undilated, *others = map(statistics.median, times)
        table.append((name, *(f"{other / undilated:.2f}" for other in others)))
        print(*table[-1], sep=" | ", flush=True)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)


if __name__ == "__main__":
    main()
