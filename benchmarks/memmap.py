"""Epochs over a million windows that are never held whole, beside the same in memory: time and peak memory.

    python benchmarks/memmap.py            # a quarter of an hour; --cases 100000 for a tenth

A file of random windows of 3 channels and 24 steps (288 MB) is written once to the folder of temporary files.
A small network trains on it in batches of 1,024: from memory, from the memory-mapped file, and from loaders
that read it. The sources alternate. Peak memory is that of a process of its own, above what it holds after a
tiny fit (on Linux). The result is written to `memmap.csv`.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from process_memory import growth, in_new_process

from mlstm_fcn import NetworkClassifier, memmap
from mlstm_fcn.engine.devices import fast_flags

memmap.LARGE = 1 << 20  # fewer cases are not read at once either
CHANNELS, STEPS, BATCH, EPOCHS, ROUNDS = 3, 24, 1024, 3, 3
FIELDS = ("source", "cases", "epoch s", "times in memory", "before the first epoch s", "peak MiB", "CPU")


class Times(keras.callbacks.Callback):
    """Seconds of each epoch, and when the first one began."""

    def __init__(self) -> None:
        super().__init__()
        self.starts: list[float] = []
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.starts.append(time.perf_counter())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.starts[-1])

    def __deepcopy__(self, memo: Any) -> Times:
        return self


class Batches:
    """A plain loader: slices of the file in the order of a pass."""

    def __init__(self, X: np.ndarray, y: np.ndarray) -> None:
        self.X, self.y = X, y

    def __len__(self) -> int:
        return -(-len(self.X) // BATCH)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        cases = slice(number * BATCH, (number + 1) * BATCH)
        return self.X[cases], self.y[cases]

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        return (self[number] for number in range(len(self)))


class PyData(keras.utils.PyDataset):
    """The same as Keras' kind of loader."""

    def __init__(self, X: np.ndarray, y: np.ndarray) -> None:
        super().__init__()
        self.batches = Batches(X, y)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        return self.batches[number]


def tf_data(X: np.ndarray, y: np.ndarray) -> Any:
    """The same as TensorFlow's."""
    import tensorflow as tf

    kinds = tf.TensorSpec((None, CHANNELS, STEPS), X.dtype), tf.TensorSpec((None,), y.dtype)
    batches = Batches(X, y)
    read = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=kinds)
    return read.apply(tf.data.experimental.assert_cardinality(len(batches)))


SOURCES: dict[str, Any] = {
    "in memory": lambda X, y: (np.array(X), y),
    "memory-mapped": lambda X, y: (X, y),
    "loader": lambda X, y: (Batches(X, y),),
    "PyDataset": lambda X, y: (PyData(X, y),),
    "tf.data": lambda X, y: (tf_data(X, y),),
}


def written(path: Path, n_cases: int) -> Path:
    """A file of random windows, made unless it is there."""
    if not path.exists():
        X = np.lib.format.open_memmap(path, "w+", np.float32, (n_cases, CHANNELS, STEPS))
        rng = np.random.default_rng(0)
        for start in range(0, n_cases, 1 << 16):
            X[start : start + (1 << 16)] = rng.normal(size=X[start : start + (1 << 16)].shape)
        X.flush()
    return path


def opened(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The windows, still in the file, and a label for each."""
    X = np.load(path, mmap_mode="r")
    return X, np.arange(len(X)) % 2


def fit(given: tuple[Any, ...], n_epochs: int) -> tuple[list[float], float]:
    """Seconds of each epoch, and those before the first one."""
    small, times = {"filters": (16, 16), "kernel_sizes": (5, 3), "lstm_units": 4}, Times()
    options: dict[str, Any] = {"n_epochs": n_epochs, "batch_size": BATCH, "random_state": 0}
    classifier = NetworkClassifier(network="lstm_fcn", network_params=small, callbacks=[times], **options)
    start = time.perf_counter()
    classifier.fit(*given)
    return times.seconds, times.starts[0] - start


def memory(path: Path, source: str) -> float:
    """Peak memory of a fit above what the process holds after a tiny one, in MiB."""
    X, y = opened(path)
    return growth(lambda: fit((np.array(X[:2048]), y[:2048]), 1), lambda: fit(SOURCES[source](X, y), 1))


def main(n_cases: int, folder: Path) -> None:
    """Measure, print, save."""
    path = written(folder / f"windows-{n_cases}.npy", n_cases)
    X, y = opened(path)
    epochs: dict[str, list[float]] = {source: [] for source in SOURCES}
    before: dict[str, list[float]] = {source: [] for source in SOURCES}
    for _ in range(ROUNDS):
        for source, give in SOURCES.items():
            seconds, start = fit(give(X, y), EPOCHS)
            epochs[source] += seconds[1:]  # the first one compiles
            before[source].append(start)
            print(source, seconds, start, flush=True)
    cpu = " ".join(sorted(fast_flags())) or "no bfloat16"
    floor, table = statistics.median(epochs["in memory"]), [FIELDS]
    for source in SOURCES:
        epoch, start = statistics.median(epochs[source]), statistics.median(before[source])
        values = (
            f"{epoch:.2f}",
            f"{epoch / floor:.2f}",
            f"{start:.2f}",
            f"{in_new_process(memory, path, source):.0f}",
        )
        table.append((source, str(n_cases), *values, cpu))
        print(*table[-1], sep=" | ", flush=True)
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="for the file")
    arguments = parser.parse_args()
    main(arguments.cases, arguments.folder)
