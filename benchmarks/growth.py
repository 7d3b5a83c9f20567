"""Growth of the time of an epoch with length, channels and cases: an exponent of 1.0 is linear.

    pip install . && python benchmarks/growth.py

One size is doubled several times while the other two are fixed. The exponent is the slope of the
logarithms. The series are random, and times are the median of several epochs. The result is written to
`growth.csv`.
"""

from __future__ import annotations

import csv
import statistics
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mlstm_fcn import MLSTMFCNClassifier
from mlstm_fcn.engine.devices import fast_flags

BASE = {"cases": 128, "channels": 16, "steps": 128}
SIZES = {
    "cases": (64, 128, 256, 512, 1024),
    "channels": (64, 128, 256, 512, 1024),
    "steps": (64, 128, 256, 512, 1024),
}


class Times(keras.callbacks.Callback):
    """Record the end time of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.ends.append(time.perf_counter())

    def __deepcopy__(self, memo: Any) -> Times:
        return self


def epoch(cases: int, channels: int, steps: int) -> float:
    """Median seconds of an epoch."""
    X = np.random.default_rng(0).normal(size=(cases, channels, steps)).astype(np.float32)
    times = Times()
    classifier = MLSTMFCNClassifier(n_epochs=8, batch_size=64, callbacks=[times], random_state=0)
    classifier.fit(X, np.arange(cases) % 4)
    return statistics.median(np.diff(times.ends)[2:])


def main() -> None:
    """Measure, print, save."""
    table = [("grows", "sizes", "epoch s", "exponent", "of the last doubling but one", "of the last", "CPU")]
    cpu = " ".join(sorted(fast_flags())) or "no bfloat16"
    for name, sizes in SIZES.items():
        seconds = [epoch(**{**BASE, name: size}) for size in sizes]
        logs = np.log2(seconds)
        slope = np.polyfit(np.log2(sizes), logs, 1)[0]
        texts = " ".join(map(str, sizes)), " ".join(f"{second:.3f}" for second in seconds)
        exponents = slope, *np.diff(logs)[-2:]
        table.append((name, *texts, *(f"{one:.2f}" for one in exponents), cpu))
        print(*table[-1], sep=" | ", flush=True)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)


if __name__ == "__main__":
    main()
