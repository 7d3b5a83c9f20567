"""Engines that run fits: local processes (loky, by joblib), a Dask cluster, or a Ray cluster.

Dask and Ray are called directly instead of through joblib's backends. The Dask backend waits forever for a
task that Dask has abandoned. The Ray backend returns nothing before all tasks are done. With one worker, both
fit in the calling process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import joblib
from joblib.externals.loky.process_executor import BrokenProcessPool

from mlstm_fcn._checks import require_choice
from mlstm_fcn._children import safely
from mlstm_fcn._optional import optional
from mlstm_fcn._orphans import exit_with
from mlstm_fcn.benchmark.process import Limits, fit_in_subprocess
from mlstm_fcn.benchmark.result import Failure, Job, Result, RunKey

_ATTEMPTS = 5  # to start a worker pool that dies before its first fit

Outcomes = Iterator[Result | Failure]


def outcomes(
    jobs: Sequence[Job], limits: Limits, *, engine: str = "loky", n_jobs: int = 1, address: str | None = None
) -> Outcomes:
    """Run jobs, and yield each result or failure as it arrives.

    A worker that dies is replaced, and its fit is repeated.

    Args:
        jobs: Jobs to run.
        limits: Limits of each fit.
        engine: A name in `ENGINES`.
        n_jobs: Number of workers, if the engine starts them.
        address: Address of the scheduler of a Dask or Ray cluster; None starts a local one.

    Raises:
        ValueError: If the engine is unknown.
        ImportError: If the engine is not installed.
        RuntimeError: If local workers repeatedly die before they finish a fit.
    """
    require_choice("engine", engine, ENGINES)
    return safely(ENGINES[engine](jobs, limits, n_jobs, address))


def _loky(jobs: Sequence[Job], limits: Limits, n_jobs: int, address: str | None) -> Outcomes:
    open_jobs: dict[RunKey, Job] = {job.key: job for job in jobs}
    failed = 0
    end_with_us: Any = {"initializer": exit_with, "initargs": (os.getpid(),)}
    while open_jobs:
        before = len(open_jobs)
        ordering: Any = {"return_as": "generator_unordered", "batch_size": 1}
        run: Any = joblib.Parallel(n_jobs, backend="loky", **ordering, **end_with_us)
        calls = [joblib.delayed(fit_in_subprocess)(job, limits) for job in open_jobs.values()]
        try:
            for outcome in run(calls):
                del open_jobs[outcome.key]
                yield outcome
        except BrokenProcessPool as error:
            failed = failed + 1 if len(open_jobs) == before else 0
            if failed == _ATTEMPTS:
                raise RuntimeError(
                    f"Workers died {failed} times in a row before they finished a fit."
                ) from error


def _dask(jobs: Sequence[Job], limits: Limits, n_jobs: int, address: str | None) -> Outcomes:
    distributed = optional("distributed", "dask")
    local = {"n_workers": n_jobs, "threads_per_worker": 1, "dashboard_address": None}
    cluster = None if address else distributed.LocalCluster(**local)
    try:
        with distributed.Client(address or cluster) as client:
            keys = {client.submit(fit_in_subprocess, job, limits, pure=False): job.key for job in jobs}
            for future in distributed.as_completed(list(keys)):
                try:
                    yield future.result()
                except Exception as error:  # from Dask: its workers died, or failed to unpickle the job
                    yield _cluster_failure(keys[future], error)
                future.release()
    finally:
        if cluster is not None:
            cluster.close()


def _ray(jobs: Sequence[Job], limits: Limits, n_jobs: int, address: str | None) -> Outcomes:
    ray = optional("ray", "ray")
    ray.init(address=address, num_cpus=None if address else n_jobs, include_dashboard=False)
    try:
        fit = ray.remote(max_retries=3)(fit_in_subprocess)
        keys = {fit.remote(job, limits): job.key for job in jobs}
        while keys:
            done, _ = ray.wait(list(keys))
            for reference in done:
                key = keys.pop(reference)
                try:
                    yield ray.get(reference)
                except Exception as error:  # from Ray
                    yield _cluster_failure(key, error)
    finally:
        ray.shutdown()


def _cluster_failure(key: RunKey, error: Exception) -> Failure:
    return Failure(key, "killed", f"The cluster abandoned the fit: {type(error).__name__}: {error}")


ENGINES = {"loky": _loky, "dask": _dask, "ray": _ray}
