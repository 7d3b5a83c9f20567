"""What a benchmark has to do."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn.benchmark import tsml
from mlstm_fcn.benchmark.estimators import NAME, NamedEstimator
from mlstm_fcn.benchmark.folder import Folder
from mlstm_fcn.benchmark.result import Job, RunKey
from mlstm_fcn.datasets import Problem, load

_FIT_OVERHEAD = 6.0  # seconds: starting the backend and compiling, which no count of operations tells


@dataclass(frozen=True)
class Plan:
    """What is wanted of a folder, and what is missing.

    Attributes:
        folder: The folder.
        estimators: The estimators.
        problems: Names of the data sets.
        n_resamples: Resamples of each.
        n_done: Results that are there.
        n_failed: Failures that are there, and are left alone.
        jobs: What is to be done, by data set, resample and estimator.
    """

    folder: Folder
    estimators: Sequence[NamedEstimator]
    problems: Sequence[str]
    n_resamples: int
    n_done: int
    n_failed: int
    jobs: list[Job]

    @property
    def n_fits(self) -> int:
        """Fits in all, those done too."""
        return len(self.estimators) * len(self.problems) * self.n_resamples


def make_plan(
    problems: Sequence[str | Problem],
    estimators: Sequence[NamedEstimator],
    n_resamples: int,
    folder: Folder,
    *,
    resampled: bool = True,
    retry: bool = False,
    data_folder: str | None = None,
    shard: tuple[int, int] = (1, 1),
) -> Plan:
    """Find what is missing in a folder.

    Args:
        problems: Data sets, by name or as they are.
        estimators: What `resolve` gives.
        n_resamples: Resamples 0, 1, ... of each; 0 is the archive's split.
        folder: The folder.
        resampled: Whether resamples have splits of their own; else they are seeds on the archive's split.
        retry: Whether to do again what failed by an error or a limit. Fits that were killed from outside
            are always done again.
        data_folder: Where data sets are looked for first.
        shard: `(i, n)`: only the ith of n parts of all fits, from 1, for runs beside each other that share
            the folder, each on a device of its own, say. Their fits are of all estimators.

    Raises:
        ValueError: If names are wrong or twice there, or the folder has results of another estimator or
            other data of the same name.
    """
    require_positive_int("n_resamples", n_resamples)
    names = [problem if isinstance(problem, str) else problem.name for problem in problems]
    require(len(names) > 0, "There must be a data set.")
    require(len(set(names)) == len(names), "Data sets must have different names.", names=names)
    wrong = [name for name in names if not NAME.fullmatch(name)]
    rule = "The name of a data set must be of letters, digits and . _ + -, and not begin with a point."
    require(not wrong, rule, names=wrong)
    folder.require_same(estimators, resampled, keep_note=False)
    results = folder.results()
    _require_same_data([problem for problem in problems if not isinstance(problem, str)], results)
    done = results.keys()
    failed = set() if retry else {f.key for f in folder.read_failures() if f.kind != "killed"} - done
    wanted = [
        Job(RunKey(estimator.name, name, number), estimator, problem, resampled, data_folder)
        for name, problem in zip(names, problems, strict=True)
        for number in range(n_resamples)
        for estimator in estimators
    ]
    part, n_parts = shard
    # Parts take turns, and begin one later after each period, or each would have estimators of its own.
    period = math.lcm(len(estimators), n_parts)
    turns = [(place + place // period) % n_parts for place in range(len(wanted))]
    mine = [job for job, turn in zip(wanted, turns, strict=True) if turn == part - 1]
    n_done = sum(job.key in done for job in wanted)
    n_failed = sum(job.key in failed for job in wanted)
    jobs = [job for job in mine if job.key not in done and job.key not in failed]
    return Plan(folder, estimators, names, n_resamples, n_done, n_failed, jobs)


def _require_same_data(problems: Sequence[Problem], results: Mapping[RunKey, Path]) -> None:
    """Raise if a name of data in memory stands for other data in a folder, as far as its results tell."""
    for problem in problems:
        known = {
            tsml.header(path).get("data") for case, path in results.items() if case.problem == problem.name
        }
        now = problem.digest() if known else None
        rule = f"There are results of other data named {problem.name!r}; choose another name or folder."
        require(known <= {now, None}, rule, before=sorted(map(str, known)), now=now)


def estimated_seconds(plan: Plan) -> pd.DataFrame:
    """How long each estimator's missing fits may take, one after the other.

    The mean of the results that the folder has, where it has one for the data set. Else, for networks of
    this package, the operations of all epochs at the speed at which this machine multiplies matrices.

    Args:
        plan: The plan; its data sets are loaded.

    Returns:
        A row for each estimator: fits to do, seconds of those that are known, and fits of unknown time.
    """
    table = plan.folder.table()
    known = {} if table.empty else table.groupby(["estimator", "problem"])["fit_seconds"].mean().to_dict()
    rate = _operations_a_second()
    first_jobs = {job.key.problem: job for job in plan.jobs}
    sizes = {name: _size(job) for name, job in first_jobs.items()}
    rows = []
    for estimator in plan.estimators:
        jobs = [job for job in plan.jobs if job.key.estimator == estimator.name]
        times = [
            known.get((estimator.name, job.key.problem))
            or _counted(estimator.estimator, sizes[job.key.problem], rate)
            for job in jobs
        ]
        told = [seconds for seconds in times if seconds is not None]
        row = {"estimator": estimator.name, "fits": len(jobs), "seconds": sum(told)}
        rows.append({**row, "fits_of_unknown_time": len(times) - len(told)})
    return pd.DataFrame(rows)


def _size(job: Job) -> tuple[int, int, int, int]:
    """Training cases, steps, channels and classes of a data set."""
    if isinstance(job.problem, Problem):
        X, y = job.problem.X_train, job.problem.y_train
    else:
        X, y = load(job.problem, "train", folder=job.folder)
    return len(X), max(case.shape[-1] for case in X), X[0].shape[0], len(np.unique(y))


def _counted(estimator: Any, size: tuple[int, int, int, int], rate: float) -> float | None:
    from mlstm_fcn import models
    from mlstm_fcn.estimators import MLSTMFCNClassifier, NetworkClassifier

    if not isinstance(estimator, MLSTMFCNClassifier | NetworkClassifier):
        return None
    n_train, steps, channels, n_classes = size
    recipe, form = estimator._recipe(), {"activation": "softmax", "masked": False}
    flops = 0
    for member in range(recipe.n_members):
        options = estimator._network_options(steps, channels, member)
        flops += models.cost(estimator._network((steps, channels), n_classes, options, **form)).flops
    return _FIT_OVERHEAD + 3 * flops * n_train * recipe.epochs(n_train) / rate


def _operations_a_second() -> float:
    matrix = np.ones((1024, 1024), dtype=np.float32)
    matrix @ matrix
    start = time.perf_counter()
    for _ in range(5):
        matrix @ matrix
    peak = 5 * 2 * 1024**3 / (time.perf_counter() - start)
    return peak / 4  # of small batches; measured on the networks of this package
