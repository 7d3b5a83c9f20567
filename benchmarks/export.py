"""Export every network to every format: success, deviation from Keras, size and speed.

    python benchmarks/export.py                # all networks; writes benchmarks/export.csv, row by row
    python benchmarks/export.py mlstm_fcn      # this network again
    python benchmarks/export.py mlp vgg --formats onnx-int8   # some formats of these networks

Data: BasicMotions and JapaneseVowels (series of 7 to 29 steps), 20 epochs. Milliseconds are for one series,
the median of 200 calls. `keras.Model.predict` and this package's compiled call are included. Rows that are
already in the file are not measured again.
"""

import argparse
import csv
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from mlstm_fcn import NetworkClassifier, datasets, export, models

TABLE = Path(__file__).parent / "export.csv"
COLUMNS = (
    "network",
    "data",
    "format",
    "works",
    "largest_difference",
    "accuracy",
    "kilobytes",
    "ms",
)


def milliseconds(call, n_calls: int = 200) -> float:
    """Median time of a call."""
    for _ in range(5):
        call()
    times = []
    for _ in range(n_calls):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return round(statistics.median(times) * 1e3, 3)


def rows_of(network: str, data: str, formats: list[str]):
    """One row per format, preceded by two rows for Keras if all formats are measured."""
    problem = datasets.load(data)
    classifier = NetworkClassifier(network=network, n_epochs=20, random_state=0, on_longer="cut")
    classifier.fit(problem.X_train, problem.y_train)
    model, batch = classifier.fitted_.model_for(problem.X_test)
    batch, X = np.asarray(batch), problem.X_test
    expected = classifier.predict_proba(X)
    accuracy = np.mean(classifier.predict(X) == problem.y_test)
    if formats == list(export.FORMATS):
        slow = milliseconds(lambda: model.predict(batch[:1], verbose=0), 20)
        yield network, data, "keras predict", True, 0.0, round(accuracy, 4), "", slow
        fast = milliseconds(lambda: classifier.predict_proba(X[:1]))
        yield network, data, "predict_proba of the estimator", True, 0.0, round(accuracy, 4), "", fast
    with tempfile.TemporaryDirectory() as folder:
        for name in formats:
            form = export.FORMATS[name]
            path = Path(folder) / f"model{form.suffix}"
            try:
                artifact = export.load(classifier.export(path, name, X=X))
            except ValueError as error:
                yield network, data, name, str(error)[:100], "", "", "", ""
                continue
            received = artifact.run(batch)
            right = np.mean(classifier.classes_[received.argmax(axis=1)] == problem.y_test)
            size = sum((Path(folder) / file).stat().st_size for file in artifact.about["files"])
            run = "" if name == "savedmodel" else milliseconds(lambda run=artifact.run: run(batch[:1]))
            difference = f"{np.abs(received - expected).max():.1e}"
            yield network, data, name, True, difference, round(right, 4), size // 1000, run


def main(names: list[str], formats: list[str]) -> None:
    """Measure the missing rows, and the named ones again."""
    rows = []
    if TABLE.exists():
        with TABLE.open(newline="") as file:
            rows = [tuple(row) for row in csv.reader(file)][1:]
    whole = formats == list(export.FORMATS)
    for network in names or models.names():
        for data in ("BasicMotions", "JapaneseVowels"):
            here = [row for row in rows if row[:2] == (network, data)]
            if here and not names:
                continue
            kept = [row for row in here if not whole and row[2] not in formats]
            rows = [row for row in rows if row not in here]
            rows += [*kept, *rows_of(network, data, formats)]
            with TABLE.open("w", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerows([COLUMNS, *rows])
            print(network, data, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--formats", nargs="+", choices=export.FORMATS, default=list(export.FORMATS))
    arguments = parser.parse_args()
    main(arguments.names, arguments.formats)
