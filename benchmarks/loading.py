"""Load text files: this package, sktime and aeon on the same files, in one run.

    pip install '.[bench]' && python benchmarks/loading.py

Prints ratios of the fastest of several calls, and peak memory relative to the size of the array, and writes
them to `loading.csv`. The files are JapaneseVowels, as shipped by sktime, and random series of the size of
LSST (2459 cases, 6 channels, 36 steps) with short and with full precision. All values are compared with
those of the other packages.
"""

import csv
import os
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mlstm_fcn import datasets
from mlstm_fcn.datasets import places

FIELDS = ("file", "reader", "times slower than read", "times slower than load again", "peak memory / array")


def best(call: Callable[[], Any], calls: int) -> float:
    """Seconds of the fastest call."""
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def peak(call: Callable[[], Any]) -> int:
    """Peak number of bytes allocated by a call."""
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def lsst_sized(folder: Path, form: str) -> Path:
    """Write a data set of the size of LSST; return its folder."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for part, cases in (("TRAIN", 2459), ("TEST", 8)):
        X = rng.normal(size=(cases, 6, 36)) * 100
        rounded = [[[float(form % value) for value in row] for row in case] for case in X]
        datasets.write(folder / f"Sized_{part}.ts", np.array(rounded), rng.integers(0, 14, cases).astype(str))
    return folder


def readers() -> dict[str, tuple[Callable[[str], Any], int]]:
    """The readers, each with its number of calls."""
    from aeon.datasets import load_from_ts_file
    from sktime.datasets import load_from_tsfile

    return {
        "sktime, default": (load_from_tsfile, 2),
        "sktime, pd-multiindex": (lambda path: load_from_tsfile(path, return_data_type="pd-multiindex"), 1),
        "aeon": (load_from_ts_file, 7),
    }


def compare(name: str, folder: Path | None) -> list[dict[str, str]]:
    """Rows for the training file of one data set."""
    path = str(places.find(name, folder)["train"])
    datasets.load(name, "train", folder=folder)
    ours = best(lambda: datasets.read(path), 9)
    again = best(lambda: datasets.load(name, "train", folder=folder), 20)
    X, y = datasets.read(path)
    size = sum(case.nbytes for case in X)
    rows = [
        (
            f"{name} {folder.name if folder else ''}".strip(),
            "this package",
            1.0,
            ours / again,
            peak(lambda: datasets.read(path)) / size,
        )
    ]
    for reader, (call, calls) in readers().items():
        seconds = best(lambda call=call: call(path), calls)
        rows.append(
            (rows[0][0], reader, seconds / ours, seconds / again, peak(lambda call=call: call(path)) / size)
        )
    their_X, their_y = readers()["aeon"][0](path)
    assert all(np.array_equal(case, theirs) for case, theirs in zip(X, their_X, strict=True))
    assert [label.lower() for label in y] == their_y.tolist()
    return [
        dict(zip(FIELDS, (row[0], row[1], *(f"{value:.1f}" for value in row[2:])), strict=True))
        for row in rows
    ]


def main() -> None:
    """Print and save the table."""
    warnings.simplefilter("ignore")
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["MLSTM_FCN_CACHE"] = scratch
        rows += compare("JapaneseVowels", None)
        for label, form in (("six decimals", "%.6f"), ("full precision", "%.17g")):
            rows += compare("Sized", lsst_sized(Path(scratch) / label, form))
    for row in rows:
        print("".join(f"{row[field]:>{30 if field in FIELDS[:2] else 32}}" for field in FIELDS))
    with Path(__file__).with_suffix(".csv").open("w", newline="") as file:
        table = csv.DictWriter(file, FIELDS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
