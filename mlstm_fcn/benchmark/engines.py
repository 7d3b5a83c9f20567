"""Where fits are done: processes of this machine by joblib, a Dask cluster, or a Ray cluster.

Dask and Ray are asked directly: joblib's backend for Dask waits forever for a task that Dask itself gives up,
that for Ray gives no result before it has all, and with one worker both fit in the process that asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import joblib
from joblib.externals.loky.process_executor import BrokenProcessPool

from mlstm_fcn._checks import require_choice
from mlstm_fcn._optional import optional
from mlstm_fcn.benchmark.process import Limits, Owner, fit_apart
from mlstm_fcn.benchmark.result import Failure, Job, Result, RunKey

_ATTEMPTS = 5  # of a pool whose workers die before they have done anything

Outcomes = Iterator[Result | Failure]


def outcomes(
    jobs: Sequence[Job], limits: Limits, *, engine: str = "loky", n_jobs: int = 1, address: str | None = None
) -> Outcomes:
    """What became of each job, as they are done.

    A worker that dies is replaced, and what it was doing is done again.

    Args:
        jobs: What to do.
        limits: For each fit.
        engine: One of `ENGINES`.
        n_jobs: Workers, where the engine starts them itself.
        address: Of the scheduler of a cluster; None for one on this machine.

    Raises:
        ValueError: If the engine is unknown.
        ImportError: If the engine is not installed.
        RuntimeError: If workers of this machine die again and again before they have done anything.
    """
    require_choice("engine", engine, ENGINES)
    return ENGINES[engine](jobs, limits, n_jobs, address)


def _loky(jobs: Sequence[Job], limits: Limits, n_jobs: int, address: str | None) -> Outcomes:
    open_jobs: dict[RunKey, Job] = {job.key: job for job in jobs}
    owner, failed = Owner.me(), 0
    while open_jobs:
        before = len(open_jobs)
        run: Any = joblib.Parallel(n_jobs, backend="loky", return_as="generator_unordered", batch_size=1)
        calls = [joblib.delayed(fit_apart)(job, limits, owner) for job in open_jobs.values()]
        try:
            for outcome in run(calls):
                del open_jobs[outcome.key]
                yield outcome
        except BrokenProcessPool as error:
            failed = failed + 1 if len(open_jobs) == before else 0
            if failed == _ATTEMPTS:
                raise RuntimeError(f"{failed} times a worker died before it had done a fit.") from error


def _dask(jobs: Sequence[Job], limits: Limits, n_jobs: int, address: str | None) -> Outcomes:
    distributed = optional("distributed", "dask")
    own = {"n_workers": n_jobs, "threads_per_worker": 1, "dashboard_address": None}
    cluster = None if address else distributed.LocalCluster(**own)
    try:
        with distributed.Client(address or cluster) as client:
            cases = {client.submit(fit_apart, job, limits, pure=False): job.key for job in jobs}
            for future in distributed.as_completed(list(cases)):
                try:
                    yield future.result()
                except Exception as error:  # of Dask: its workers died, or could not read the job
                    yield _given_up(cases[future], error)
                future.release()
    finally:
        if cluster is not None:
            cluster.close()


def _ray(jobs: Sequence[Job], limits: Limits, n_jobs: int, address: str | None) -> Outcomes:
    ray = optional("ray", "ray")
    ray.init(address=address, num_cpus=None if address else n_jobs, include_dashboard=False)
    try:
        fit = ray.remote(max_retries=3)(fit_apart)
        cases = {fit.remote(job, limits): job.key for job in jobs}
        while cases:
            done, _ = ray.wait(list(cases))
            for reference in done:
                case = cases.pop(reference)
                try:
                    yield ray.get(reference)
                except Exception as error:  # of Ray
                    yield _given_up(case, error)
    finally:
        ray.shutdown()


def _given_up(case: RunKey, error: Exception) -> Failure:
    return Failure(case, "killed", f"The cluster gave it up: {type(error).__name__}: {error}")


ENGINES = {"loky": _loky, "dask": _dask, "ray": _ray}
