"""Prediction time of one series: every network in Keras, ONNX and LiteRT, on an idle machine.

    pip install '.[onnx,litert]' && python benchmarks/latency.py

Networks are trained for one epoch on BasicMotions (6 channels, 100 steps) and exported. Then all are
measured in one run, as the median of 200 calls in milliseconds. "keras" is `predict_proba` of one series,
this package's compiled call. The result is written to `latency.csv`.
"""

import csv
import statistics
import tempfile
import timeit
from pathlib import Path

import numpy as np

from mlstm_fcn import NetworkClassifier, datasets, export, models

COLUMNS = ("network", "keras", "onnx", "litert")


def exported(name, folder):
    """A classifier, and functions that run its exports."""
    motions = datasets.load("BasicMotions")
    classifier = NetworkClassifier(network=name, n_epochs=1, random_state=0)
    classifier.fit(motions.X_train, motions.y_train)
    paths = [classifier.export(folder / f"{name}{suffix}") for suffix in (".onnx", ".tflite")]
    return classifier, [export.load(path).run for path in paths]


def milliseconds(call):
    """Median time of a call, after a warm-up."""
    timeit.repeat(call, number=1, repeat=10)
    return 1e3 * statistics.median(timeit.repeat(call, number=1, repeat=200))


def main() -> None:
    """Export, measure, print, save."""
    one = datasets.load("BasicMotions").X_test[:1]
    series = np.ascontiguousarray(one.transpose(0, 2, 1), dtype=np.float32)
    table = [COLUMNS]
    with tempfile.TemporaryDirectory() as folder:
        made = {name: exported(name, Path(folder)) for name in models.names()}
        print("measuring", flush=True)
        for name, (classifier, runs) in made.items():
            calls = [
                lambda it=classifier: it.predict_proba(one),
                *(lambda run=run: run(series) for run in runs),
            ]
            table.append((name, *(f"{milliseconds(call):.2f}" for call in calls)))
            print(*table[-1], sep=" | ", flush=True)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)


if __name__ == "__main__":
    main()
