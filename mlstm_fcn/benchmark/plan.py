"""Plan a benchmark: the fits that a folder of results lacks, and their estimated time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
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

_FIT_OVERHEAD = 6.0  # seconds to start the backend and compile


@dataclass(frozen=True)
class Plan:
    """The fits of a benchmark: done, failed and missing.

    Attributes:
        folder: The folder of results.
        estimators: The estimators.
        problems: Names of the data sets.
        n_resamples: Number of resamples of each data set.
        n_done: Number of fits with a result.
        n_failed: Number of fits with a failure that are not repeated.
        jobs: Fits to do, sorted by data set, resample and estimator.
    """

    folder: Folder
    estimators: Sequence[NamedEstimator]
    problems: Sequence[str]
    n_resamples: int
    n_done: int
    n_failed: int
    jobs: list[Job]

    @property
    def keys(self) -> set[RunKey]:
        """Of all fits: done, failed and missing."""
        names, numbers = [one.name for one in self.estimators], range(self.n_resamples)
        return {RunKey(*key) for key in product(names, self.problems, numbers)}

    @property
    def n_fits(self) -> int:
        """Number of all fits: done, failed and missing."""
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
    """Find the fits that a folder lacks.

    Args:
        problems: Data sets, as names or objects.
        estimators: Estimators that `resolve` returned.
        n_resamples: Number of resamples of each data set; resample 0 is the archive's split.
        folder: The folder of results.
        resampled: Whether each resample has its own split. If not, all have the archive's split, and the
            number of the resample is only the seed.
        retry: Whether to repeat fits that failed by an error or a limit. Fits that were killed from outside
            are always repeated.
        data_folder: Folder to search first for data sets.
        shard: `(i, n)` selects the ith of n parts of the fits, with i from 1 to n. Several processes, each on
            its own device, can share the folder this way. Every shard has fits of every estimator.

    Raises:
        ValueError: If a name is invalid or not unique, or the folder has results of a different estimator or
            of different data under the same name.
    """
    require_positive_int("n_resamples", n_resamples)
    names = [problem if isinstance(problem, str) else problem.name for problem in problems]
    require(len(names) > 0, "There must be at least one data set.")
    require(len(set(names)) == len(names), "Data sets must have different names.", names=names)
    wrong = [name for name in names if not NAME.fullmatch(name)]
    rule = "A data set's name may have only letters, digits and . _ + -, and must not start with a period."
    require(not wrong, rule, names=wrong)
    folder.require_same(estimators, resampled, write_fingerprints=False)
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
    shard_number, n_shards = shard
    # Shards take turns, shifted by one after each period, so that each gets fits of every estimator.
    period = math.lcm(len(estimators), n_shards)
    turns = [(place + place // period) % n_shards for place in range(len(wanted))]
    mine = [job for job, turn in zip(wanted, turns, strict=True) if turn == shard_number - 1]
    n_done = sum(job.key in done for job in wanted)
    n_failed = sum(job.key in failed for job in wanted)
    jobs = [job for job in mine if job.key not in done and job.key not in failed]
    return Plan(folder, estimators, names, n_resamples, n_done, n_failed, jobs)


def _require_same_data(problems: Sequence[Problem], results: Mapping[RunKey, Path]) -> None:
    """Raise if the results of a data set given as an object were computed on different data."""
    for problem in problems:
        known = {
            tsml.header(path).get("data") for key, path in results.items() if key.problem == problem.name
        }
        now = problem.digest() if known else None
        rule = f"The folder has results of different data named {problem.name!r}; choose another name."
        require(known <= {now, None}, rule, stored=sorted(map(str, known)), current=now)


def estimated_seconds(plan: Plan) -> pd.DataFrame:
    """Estimate the time of each estimator's missing fits, run sequentially.

    The estimate of a fit is the mean fit time of the stored results of the same estimator and data set. If
    there are none, it is computed for networks of this package, from the floating-point operations of all
    epochs and the speed of matrix products on this machine.

    Args:
        plan: The plan; its data sets are loaded.

    Returns:
        A row for each estimator with the columns `estimator`, `fits` (number to do), `seconds` (sum of the
        estimates) and `fits_of_unknown_time` (number without an estimate).
    """
    table = plan.folder.table()
    known = {} if table.empty else table.groupby(["estimator", "problem"])["fit_seconds"].mean().to_dict()
    rate = _operations_per_second()
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
        estimates = [seconds for seconds in times if seconds is not None]
        row = {"estimator": estimator.name, "fits": len(jobs), "seconds": sum(estimates)}
        rows.append({**row, "fits_of_unknown_time": len(times) - len(estimates)})
    return pd.DataFrame(rows)


def _size(job: Job) -> tuple[int, int, int, int]:
    """Numbers of training cases, time steps, channels and classes of a data set."""
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
    recipe, spec, shape = estimator.training_recipe(), estimator.network_spec(), (steps, channels)
    flops = 0
    for member in range(recipe.n_members):
        options = spec.resolved(recipe, member, steps)
        network = spec.build(shape, n_classes, options, activation="softmax", masked=False)
        by_gradient = spec.trained_by(options) == "gradient"  # back costs twice as much as forwards
        flops += models.cost(network).flops * (3 * recipe.epochs(n_train) if by_gradient else 1)
    return _FIT_OVERHEAD + flops * n_train / rate


def _operations_per_second() -> float:
    matrix = np.ones((1024, 1024), dtype=np.float32)
    matrix @ matrix
    start = time.perf_counter()
    for _ in range(5):
        matrix @ matrix
    peak = 5 * 2 * 1024**3 / (time.perf_counter() - start)
    return peak / 4  # networks of this package reach a quarter of it with small batches; measured
