"""Measure the overhead of the benchmark: per fit, with two workers, and with 10,000 results.

    python benchmarks/harness.py            # measures all three; writes benchmarks/harness.csv

Bounds: less than 3 s of overhead per fit, outside `fit` and `predict`; two single-threaded workers at least
1.7 times as fast as one (needs two free CPUs); less than 30 s to plan and report 10,000 results.
"""

import csv
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.dummy import DummyClassifier

from mlstm_fcn import benchmark
from mlstm_fcn.benchmark import Folder, Limits, Result, RunKey

PROBLEMS = ("BasicMotions", "JapaneseVowels")
N_RESAMPLES = 4


def sweep(n_jobs: int) -> tuple[float, float, int]:
    """Wall time of a sweep in seconds, seconds spent in fits and predictions, and the number of fits."""
    estimators = benchmark.resolve("fcn,mlstm_fcn", n_epochs=20)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        options = {"n_resamples": N_RESAMPLES, "limits": Limits(threads=1), "n_jobs": n_jobs}
        table = benchmark.run(PROBLEMS, estimators, folder, **options)
    wall = time.perf_counter() - start
    return wall, float(table[["fit_seconds", "predict_seconds"]].to_numpy().sum()), len(table)


def ten_thousand() -> float:
    """Seconds to plan and report 10 estimators x 20 data sets x 50 resamples that are all done."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as path:
        folder = Folder(path)
        names, problems = [f"dummy{i}" for i in range(10)], [f"problem{i}" for i in range(20)]
        y = np.arange(20) % 2
        for name in names:
            for problem in problems:
                for number in range(50):
                    p = rng.uniform(size=20)
                    probabilities = np.stack([1 - p, p], axis=1)
                    folder.keep(
                        Result(RunKey(name, problem, number), ["0", "1"], y, probabilities, 1.0, 1.0, 1)
                    )
        start = time.perf_counter()
        estimators = benchmark.resolve({name: DummyClassifier() for name in names})
        plan = benchmark.make_plan(problems, estimators, 50, folder)
        assert (plan.n_done, plan.jobs) == (10_000, [])
        benchmark.write_report(path)
        return time.perf_counter() - start


def main() -> None:
    """Measure all three, print the results and write them to a file."""
    one, busy, n_fits = sweep(1)
    two, _, _ = sweep(2)
    rows = [
        ("overhead per fit, seconds, one worker", (one - busy) / n_fits, "< 3"),
        ("one worker / two workers, wall time", one / two, "> 1.7"),
        ("10,000 results planned and reported, seconds", ten_thousand(), "< 30"),
    ]
    with (Path(__file__).parent / "harness.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["what", "measured", "bound"])
        for what, measured, bound in rows:
            writer.writerow([what, f"{measured:.2f}", bound])
            print(f"{what:<48} {measured:6.2f}  {bound}")


if __name__ == "__main__":
    main()
