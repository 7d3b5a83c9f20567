"""Run the fits of a plan, and write each result as it arrives."""

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
    """Fit every estimator to every resample of every data set, except fits with a stored result.

    Each fit runs in its own process. Results are written as they arrive, so an interrupted run resumes. A fit
    that fails is recorded, and the other fits continue.

    Args:
        problems: Data sets, as names or objects.
        estimators: Estimators as `resolve` accepts them.
        folder: Folder of the results, in tsml's format.
        n_resamples: Number of resamples of each data set; resample 0 is the archive's split. The number of
            the resample is also the `random_state` of the estimator.
        resampled: Whether each resample has its own split. If not, all have the archive's split, and the
            number of the resample is only the seed.
        limits: Limits of each fit.
        engine: `"loky"`, `"dask"` or `"ray"`.
        n_jobs: Number of workers, if the engine starts them.
        address: Address of the scheduler of a Dask or Ray cluster.
        retry: Whether to repeat fits that failed by an error or a limit.
        report: Called with each result or failure.

    Returns:
        All results of the folder, one row each; also written as `results.csv`.

    Raises:
        ValueError: If a name is invalid, or the folder has results of a different estimator or of different
            data under the same name.
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
    """Run the fits of a plan.

    Args:
        plan: A plan by `make_plan`.
        limits: Limits of each fit.
        engine: `"loky"`, `"dask"` or `"ray"`.
        n_jobs: Number of workers, if the engine starts them.
        address: Address of the scheduler of a Dask or Ray cluster.
        report: Called with each result or failure.

    Returns:
        All results of the plan's folder, one row each; also written as `results.csv`.

    Raises:
        ValueError: If the engine is unknown.
        ImportError: If the engine is not installed.
    """
    for outcome in outcomes(plan.jobs, limits, engine=engine, n_jobs=n_jobs, address=address):
        try:
            plan.folder.keep(outcome)
        except (ValueError, TypeError) as error:  # the result is malformed
            outcome = Failure(outcome.key, "error", f"{type(error).__name__}: {error}")
            plan.folder.keep(outcome)
        if report is not None:
            report(outcome)
    table = plan.folder.table()
    plan.folder.write_table(table)
    return table
