"""Compare classifiers on data sets of the UEA archive. An interrupted run resumes.

--dry-run prints the remaining fits and the estimated time. --jobs 2 runs two fits at a time.
"""

import argparse
import tempfile

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, benchmark


def main(
    problems: tuple[str, ...] = ("BasicMotions",),
    n_epochs: int | None = None,
    n_resamples: int = 1,
    n_jobs: int = 1,
    folder: str | None = None,
    dry_run: bool = False,
) -> float:
    """Fit both networks to each resample of each data set. Return the mean accuracy of MLSTM-FCN."""
    folder = folder or tempfile.mkdtemp(prefix="benchmark-")
    epochs = {} if n_epochs is None else {"n_epochs": n_epochs}  # else as many as the recipe has
    estimators = {
        "MLSTM-FCN": MLSTMFCNClassifier(on_longer="cut", **epochs),
        "FCN": NetworkClassifier(network="fcn", **epochs),
        # add any classifier of sktime or scikit-learn, such as
        # "MiniRocket": "minirocket",  (requires numba)
    }
    if dry_run:
        plan = benchmark.make_plan(
            problems, benchmark.resolve(estimators), n_resamples, benchmark.Folder(folder)
        )
        print(f"{plan.n_fits} fits, {len(plan.jobs)} to do, in {folder}")
        print(benchmark.estimated_seconds(plan).to_string(index=False))
        return float("nan")
    limits = benchmark.Limits(seconds=3600, threads=1 if n_jobs > 1 else None)
    options = {"n_resamples": n_resamples, "limits": limits, "n_jobs": n_jobs, "report": _print}
    table = benchmark.run(problems, estimators, folder, **options)
    print("report:", benchmark.write_report(folder, published=True)[0])
    return float(table[table["estimator"] == "MLSTM-FCN"]["accuracy"].mean())


def _print(outcome):
    print(outcome.key, outcome.kind if isinstance(outcome, benchmark.Failure) else "done", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", default="BasicMotions,JapaneseVowels")
    parser.add_argument("--resamples", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--output", default="results", help="folder of the results")
    parser.add_argument("--dry-run", action="store_true")
    given = parser.parse_args()
    main(
        tuple(given.datasets.split(",")),
        n_epochs=given.epochs,
        n_resamples=given.resamples,
        n_jobs=given.jobs,
        folder=given.output,
        dry_run=given.dry_run,
    )
