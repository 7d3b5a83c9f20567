"""Doing what a plan says, and keeping every result as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mlstm_fcn.benchmark.engines import outcomes
from mlstm_fcn.benchmark.estimators import resolve
from mlstm_fcn.benchmark.folder import Folder
from mlstm_fcn.benchmark.plan import Plan, make_plan
from mlstm_fcn.benchmark.process import Limits
from mlstm_fcn.benchmark.result import Failure, Result
from mlstm_fcn.datasets import Problem


def run(
    problems: Sequence[str | Problem],
    estimators: str | Iterable[Any] | Mapping[str, Any],
    folder: Path | str,
    *,
    n_resamples: int = 1,
    resampled: bool = True,
    limits: Limits = Limits(),  # noqa: B008, it is frozen
    engine: str = "loky",
    n_jobs: int = 1,
    address: str | None = None,
    retry: bool = False,
    report: Callable[[Result | Failure], Any] | None = None,
) -> pd.DataFrame:
    """Fit every estimator to every resample of every data set, as far as the folder lacks the result.

    Every fit has a process of its own. A result is written when it is there, so that a run that is killed
    goes on where it was; a fit that fails is noted, and the others go on.

    Args:
        problems: Data sets, by name or as they are.
        estimators: What `resolve` takes: texts, or objects by name.
        folder: Where results go, in tsml's format.
        n_resamples: Resamples 0, 1, ... of each data set; 0 is the archive's split. Their number is also
            the `random_state` of the estimator.
        resampled: Whether resamples have splits of their own; else they are seeds on the archive's split.
        limits: What each fit may take.
        engine: `"loky"`, `"dask"` or `"ray"`.
        n_jobs: Workers, where the engine starts them itself.
        address: Of a cluster's scheduler.
        retry: Whether to do again what failed by an error or a limit.
        report: Called with each outcome.

    Returns:
        All results of the folder, one row each; also written as `results.csv`.

    Raises:
        ValueError: If names are wrong, or the folder has results of another estimator of the same name.
    """
    place, chosen = Folder(folder), resolve(estimators)
    place.require_same(chosen, resampled)
    plan = make_plan(problems, chosen, n_resamples, place, resampled=resampled, retry=retry)
    return execute(plan, limits, engine=engine, n_jobs=n_jobs, address=address, report=report)


def execute(
    plan: Plan,
    limits: Limits,
    *,
    engine: str = "loky",
    n_jobs: int = 1,
    address: str | None = None,
    report: Callable[[Result | Failure], Any] | None = None,
) -> pd.DataFrame:
    """Do the jobs of a plan.

    Args:
        plan: Of `make_plan`.
        limits: What each fit may take.
        engine: `"loky"`, `"dask"` or `"ray"`.
        n_jobs: Workers, where the engine starts them itself.
        address: Of a cluster's scheduler.
        report: Called with each outcome.

    Returns:
        All results of the plan's folder, one row each; also written as `results.csv`.

    Raises:
        ValueError: If the engine is unknown.
        ImportError: If it is not installed.
    """
    for outcome in outcomes(plan.jobs, limits, engine=engine, n_jobs=n_jobs, address=address):
        try:
            plan.folder.keep(outcome)
        except (ValueError, TypeError) as error:  # of a result that is no result
            outcome = Failure(outcome.key, "error", f"{type(error).__name__}: {error}")
            plan.folder.keep(outcome)
        if report is not None:
            report(outcome)
    table = plan.folder.table()
    plan.folder.write_table(table)
    return table
