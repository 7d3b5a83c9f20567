"""Reproduce the accuracies in docs/accuracy.md: this package and other classifiers, in one run.

Every estimator is fitted to every data set, on the archive's split with seeds 0, 1, ..., or on resamples.
An interrupted run resumes. Results in TABLES are not computed again, even if the recipe has changed; use an
empty folder after a change of the recipe. The soft vote over an estimator's seeds is added as another
estimator; it needs the predictions of all seeds. MiniRocket requires numba, MultiRocket-Hydra and QUANT aeon
(both in the extra `bench`) and torch. MLSTM_FCN_DATA is searched first for the data sets.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from sktime.classification.base import BaseClassifier

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, benchmark, datasets

UEA = (
    "ArticularyWordRecognition,AtrialFibrillation,BasicMotions,FingerMovements,HandMovementDirection,"
    "Handwriting,JapaneseVowels,Libras,NATOPS,PenDigits,StandWalkJump"
)
UCR = (
    "AllGestureWiimoteX,CBF,Chinatown,Coffee,DodgerLoopDay,ECG200,ECG5000,GesturePebbleZ1,"
    "MelbournePedestrian,SonyAIBORobotSurface1,SyntheticControl,Trace,TwoLeadECG"
)
COLUMNS = (
    "estimator",
    "problem",
    "resample",
    "accuracy",
    "fit_seconds",
    "predict_seconds",
    "balanced_accuracy",
    "f1",
    "log_loss",
    "auroc",
    "network_parameters",
    "precision",  # of the arithmetic of training; empty where it is not known
)
PUBLISHED = ("HIVE-COTE 2.0", "ROCKET", "InceptionTime", "ResNet", "MLSTM-FCN (TapNet)")


class OnFilled(BaseClassifier):
    """A classifier of complete series of one length, after cutting or zero-padding them and filling gaps.

    Args:
        kind: A name of `OTHERS`.
        random_state: Its seed.
    """

    _tags = {  # noqa: RUF012, required by sktime
        "X_inner_mtype": "df-list",
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "capability:missing_values": True,
        "capability:predict_proba": True,
    }

    def __init__(self, kind="MiniRocket", random_state=None):
        self.kind = kind
        self.random_state = random_state
        super().__init__()

    def _fit(self, X, y):
        self.length_ = max(9, *map(len, X))  # their kernels have nine steps
        self.classifier_ = OTHERS[self.kind](self.random_state).fit(self._filled(X), y)
        return self

    def _predict_proba(self, X):
        return self.classifier_.predict_proba(self._filled(X))

    def _predict(self, X):
        return self.classifier_.predict(self._filled(X))

    def _filled(self, X):
        whole = [
            frame.interpolate(limit_direction="both").fillna(0).to_numpy()[: self.length_] for frame in X
        ]
        return np.stack([np.pad(case, ((0, self.length_ - len(case)), (0, 0))).T for case in whole])


def _minirocket(seed):
    from sktime.classification.kernel_based import RocketClassifier

    return RocketClassifier(rocket_transform="minirocket", random_state=seed)


def _hydra(seed):  # also requires torch
    from aeon.classification.convolution_based import MultiRocketHydraClassifier

    return MultiRocketHydraClassifier(random_state=seed)


def _quant(seed):  # also requires torch
    from aeon.classification.interval_based import QUANTClassifier

    return QUANTClassifier(random_state=seed)


OTHERS = {"MiniRocket": _minirocket, "MultiRocket-Hydra": _hydra, "QUANT": _quant}


def estimators(names: str, n_epochs: int | None) -> dict[str, object]:
    """The estimators of a comma-separated list of names."""
    epochs = {} if n_epochs is None else {"n_epochs": n_epochs}  # else as many as the recipe has
    known = {
        "default": MLSTMFCNClassifier(on_longer="cut", **epochs),
        "ensemble": MLSTMFCNClassifier(recipe="ensemble", on_longer="cut", **epochs),
        "paper": MLSTMFCNClassifier(recipe="paper", on_longer="cut", **epochs),
        "hybrid": MLSTMFCNClassifier(recipe="hybrid", on_longer="cut", **epochs),
        "multirocket": NetworkClassifier(network="multirocket", on_longer="cut"),
        **{kind: OnFilled(kind) for kind in OTHERS},
    }
    chosen = names.split(",")
    if not set(chosen) <= set(known):
        raise ValueError(f"Estimators must be among {', '.join(known)}. Received: {names}")
    return {name: known[name] for name in chosen}


def vote(folder: Path, name: str, n_members: int) -> None:
    """Add the soft vote over an estimator's first seeds as the results of another estimator."""
    place = benchmark.Folder(folder)
    cases = {case: path for case, path in place.results().items() if case.estimator == name}
    for problem in {case.problem for case in cases}:
        seeds = [benchmark.RunKey(name, problem, number) for number in range(n_members)]
        if not set(seeds) <= set(cases):
            continue
        of_seeds = [benchmark.read(cases[seed]) for seed in seeds]
        first = of_seeds[0]
        place.keep(
            benchmark.Result(
                benchmark.RunKey(f"{name}-vote-of-{n_members}", problem, 0),
                first.labels,
                first.y_true,
                np.mean([result.probabilities for result in of_seeds], axis=0),
                sum(result.fit_seconds for result in of_seeds),
                sum(result.predict_seconds for result in of_seeds),
                max(result.memory for result in of_seeds),
                {**first.about, "estimator": f"soft vote of {n_members} seeds of {name}"},
            )
        )


def results(folder: Path, path: Path) -> pd.DataFrame:
    """All results of a folder, and the results of a file that are not in the folder."""
    table = benchmark.Folder(folder).table()
    if path.exists():
        kept = pd.read_csv(path, float_precision="round_trip")
        table = pd.concat([table, kept], ignore_index=True)
    place = ["estimator", "problem", "resample"]
    table = table.drop_duplicates(place).sort_values(place)
    five_digits = dict.fromkeys(COLUMNS[4:], 5)  # accuracies keep all digits, so that ties stay ties
    return table.reindex(columns=COLUMNS).round(five_digits)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per data set: mean, standard deviation and number of seeds, fit time, published accuracies."""
    cells = table.groupby(["problem", "estimator"])
    figures = {
        "mean": cells["accuracy"].mean(),
        "sd": cells["accuracy"].std(),
        "seeds": cells.size(),
        "seconds": cells["fit_seconds"].mean(),
    }
    wide = pd.concat({name: column.unstack() for name, column in figures.items()}, axis=1)
    wide.columns = [f"{estimator} {figure}" for figure, estimator in wide.columns]
    wide = wide[sorted(wide.columns, key=lambda name: name.partition(" ")[0])]
    for method in PUBLISHED:
        wide[f"{method} (published)"] = [_published(problem, method) for problem in wide.index]
    return wide.round(4)


def write(path: Path, table: pd.DataFrame, **options: bool) -> None:
    """Write a table atomically."""
    partial = path.with_suffix(".part")
    table.to_csv(partial, **options)
    partial.replace(path)


def _published(problem, method):
    """A published accuracy from the catalogue; NaN if it has none."""
    figures = datasets.describe(problem).published if problem in datasets.names() else ()
    return next((figure.accuracy for figure in figures if figure.method == method), np.nan)


def main(
    problems: str = "BasicMotions",
    names: str = "default",
    n_seeds: int = 1,
    n_epochs: int | None = None,
    n_jobs: int = 1,
    folder: str | None = None,
    output: str | None = None,
    time_limit: float | None = None,
    resampled: bool = False,
) -> float:
    """Run the missing fits. Return the mean accuracy of the first estimator on these problems."""
    place = Path(folder or tempfile.mkdtemp(prefix="table-"))
    kept = Path(output or place) / ("resamples.csv" if resampled else "seeds.csv")
    kept.parent.mkdir(parents=True, exist_ok=True)
    chosen = benchmark.resolve(estimators(names, n_epochs))
    benchmark.Folder(place).require_same(chosen, resampled)
    plan = benchmark.make_plan(
        problems.split(","), chosen, n_seeds, benchmark.Folder(place), resampled=resampled
    )
    if kept.exists():
        rows = pd.read_csv(kept)[["estimator", "problem", "resample"]].itertuples(index=False)
        done = {benchmark.RunKey(*row) for row in rows}
        plan = replace(plan, jobs=[job for job in plan.jobs if job.key not in done])
    benchmark.require_ready(plan)
    limits = benchmark.Limits(seconds=time_limit, threads=1 if n_jobs > 1 else None)
    benchmark.execute(plan, limits, n_jobs=n_jobs, report=_print)
    for estimator in chosen:
        if n_seeds > 1 and not resampled and estimator.name in ("default", "ensemble", "paper"):
            vote(place, estimator.name, n_seeds)
    table = results(place, kept)
    write(kept, table, index=False)
    means = summary(table)
    write(kept.with_name(f"{kept.stem}_table.csv"), means)
    print(means.filter(like=" mean").to_string())
    of_first = means.reindex(problems.split(",")).get(f"{chosen[0].name} mean")
    return float("nan") if of_first is None else float(of_first.mean())


def _print(outcome):
    print(outcome.key, outcome.kind if isinstance(outcome, benchmark.Failure) else "done", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", default=f"{UEA},{UCR}")
    parser.add_argument("--estimators", default="default,hybrid,ensemble,paper,MiniRocket")
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds on the archive's split")
    parser.add_argument("--resamples", type=int, help="number of resamples, instead of seeds")
    parser.add_argument("--epochs", type=int, help="default: as many as the recipe has")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", default="accuracy", help="folder of the predictions")
    parser.add_argument("--tables", help="folder of the tables; default: OUTPUT")
    parser.add_argument("--time-limit", type=float, default=3600)
    given = parser.parse_args()
    main(
        given.datasets,
        given.estimators,
        given.seeds if given.resamples is None else given.resamples,
        n_epochs=given.epochs,
        n_jobs=given.jobs,
        folder=given.output,
        output=given.tables,
        time_limit=given.time_limit,
        resampled=given.resamples is not None,
    )
