"""Where fits are done: processes of this machine, a Dask cluster, or a Ray cluster, through joblib."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import joblib
from joblib.externals.loky.process_executor import BrokenProcessPool

from mlstm_fcn._checks import require_choice
from mlstm_fcn._optional import optional
from mlstm_fcn.benchmark.process import Limits, Owner, fit_apart
from mlstm_fcn.benchmark.result import Case, Failure, Job, Result

ENGINES = ("loky", "dask", "ray")
_ATTEMPTS = 5  # of a pool whose workers die before they have done anything


def outcomes(
    jobs: Sequence[Job], limits: Limits, *, engine: str = "loky", n_jobs: int = 1, address: str | None = None
) -> Iterator[Result | Failure]:
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
        RuntimeError: If workers die again and again before they have done anything.
    """
    require_choice("engine", engine, ENGINES)
    with _backend(engine, n_jobs, address):
        yield from _until_all_are_done(jobs, limits, engine)


def _until_all_are_done(jobs, limits, engine):
    open_jobs: dict[Case, Job] = {job.case: job for job in jobs}
    failed = 0
    while open_jobs:
        before = len(open_jobs)
        try:
            for outcome in _unordered(list(open_jobs.values()), limits, engine):
                del open_jobs[outcome.case]
                yield outcome
        except BrokenProcessPool as error:
            failed = failed + 1 if len(open_jobs) == before else 0
            if failed == _ATTEMPTS:
                raise RuntimeError(f"{failed} times a worker died before it had done a fit.") from error


def _unordered(jobs, limits, engine):
    owner = Owner.me()
    calls = [joblib.delayed(fit_apart)(job, limits, owner) for job in jobs]
    if engine == "ray":  # its backend gives results all at once
        size = 2 * joblib.effective_n_jobs()
        for start in range(0, len(calls), size):
            yield from joblib.Parallel(batch_size=1)(calls[start : start + size])
    else:
        yield from joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")(
            calls
        )


@contextmanager
def _backend(engine: str, n_jobs: int, address: str | None) -> Iterator[None]:
    if engine == "dask":
        distributed = optional("distributed", "dask")
        cluster: Any = address or distributed.LocalCluster(
            n_workers=n_jobs, threads_per_worker=1, dashboard_address=None
        )
        try:
            with distributed.Client(cluster), joblib.parallel_config("dask", wait_for_workers_timeout=60):
                yield
        finally:
            if address is None:
                cluster.close()
    elif engine == "ray":
        ray = optional("ray", "ray")
        optional("ray.util.joblib", "ray").register_ray()
        ray.init(address=address, num_cpus=None if address else n_jobs, include_dashboard=False)
        try:
            with joblib.parallel_config("ray", n_jobs=-1 if address else n_jobs):
                yield
        finally:
            ray.shutdown()
    else:
        with joblib.parallel_config("loky", n_jobs=n_jobs):
            yield
