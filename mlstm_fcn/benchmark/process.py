"""Run each fit in its own process, with limits of time and memory."""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import queue
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import Any

import cloudpickle
import psutil

from mlstm_fcn._checks import require
from mlstm_fcn._children import environment, python
from mlstm_fcn._orphans import prelude
from mlstm_fcn.benchmark.result import Failure, Job, Result
from mlstm_fcn.benchmark.worker import FORKS, read_frame, write_frame

_POLL = 0.2  # seconds between checks of the limits
_WORKER_SCRIPT = "from mlstm_fcn.benchmark.worker import serve; serve(watch)"
_TAIL = 4000  # characters of a log to keep
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


@dataclass(frozen=True)
class Limits:
    """Limits of a fit.

    Attributes:
        seconds: Maximum wall time, including loading and prediction; None for no limit.
        megabytes: Maximum resident memory, in 10^6 bytes; None for no limit.
        threads: Number of threads of each numerical library; None for the library's default.

    Raises:
        ValueError: If a limit is not positive.
    """

    seconds: float | None = None
    megabytes: float | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        limits = {name: value for name, value in vars(self).items() if value is not None}
        require(all(value > 0 for value in limits.values()), "Limits must be positive.", **limits)


def fit_in_subprocess(job: Job, limits: Limits) -> Result | Failure:
    """Fit in a new process, forked from a worker process with all libraries loaded; both end with this one.

    Args:
        job: The fit.
        limits: Limits of the fit.
    """
    with _LOCK:
        global _WORKER
        if _WORKER is None or _WORKER.threads != limits.threads:
            close()
            _WORKER = WorkerProcess(limits.threads)
        try:
            answer = _WORKER.fit(job, limits)
        except BaseException:  # an interrupt: a late answer would be taken for that of the next job
            close()
            raise
        if not FORKS or not _WORKER.is_alive():
            close()
        return answer


def close() -> None:
    """End the worker process, if there is one."""
    global _WORKER
    if _WORKER is not None:
        _WORKER.close()
    _WORKER = None


class WorkerProcess:
    """Client of a `mlstm_fcn.benchmark.worker` process."""

    def __init__(self, threads: int | None):
        self.threads = threads
        limits = {} if threads is None else dict.fromkeys(_THREADS, str(threads))
        self._log = tempfile.TemporaryFile("a+b")  # noqa: SIM115, open as long as the process
        self._process = subprocess.Popen(
            python("-c", prelude() + _WORKER_SCRIPT),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment(TF_CPP_MIN_LOG_LEVEL="3", **limits),
        )
        self._is_ready = self._ended = False
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as responses:
            while (answer := read_frame(responses)) is not None:
                self._answers.put(answer)
        self._ended = True
        self._answers.put(None)

    def is_alive(self) -> bool:
        """Whether the worker can take another job."""
        return not self._ended and self._process.poll() is None

    def fit(self, job: Job, limits: Limits) -> Result | Failure:
        """Send a job and wait for its outcome; a fit over a limit is killed together with the worker."""
        self._log.seek(0)
        self._log.truncate()
        self._start = time.monotonic()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            write_frame(self._process.stdin, cloudpickle.dumps(job))
        while True:
            try:
                answer = self._answers.get(timeout=_POLL)
                if answer != b"":
                    return self._outcome(job, answer)
                self._is_ready, self._start = True, time.monotonic()
            except queue.Empty:
                pass
            exceeded = self._is_ready and self._exceeded_limit(limits, time.monotonic() - self._start)
            if exceeded:
                self.kill()
                return Failure(job.key, *exceeded, traceback=self._log_tail())

    def _outcome(self, job: Job, payload: bytes | None) -> Result | Failure:
        answer: Any = pickle.loads(payload) if payload is not None else None
        if isinstance(answer, Result):
            return answer
        kind, message, trace = answer or ("killed", "The fit was killed from outside.", "")
        return Failure(job.key, kind, message, trace or self._log_tail())

    def _exceeded_limit(self, limits: Limits, seconds: float) -> tuple[str, str] | None:
        if limits.seconds is not None and seconds > limits.seconds:
            return "time", f"The fit exceeded the time limit of {limits.seconds:g} s."
        if limits.megabytes is not None:
            megabytes = (
                sum(_resident(process) for process in self._processes()[1:] or self._processes()) / 1e6
            )
            if megabytes > limits.megabytes:
                return (
                    "memory",
                    f"The fit used {megabytes:.0f} MB, over the limit of {limits.megabytes:g} MB.",
                )
        return None

    def _processes(self) -> list[psutil.Process]:
        """The worker process, followed by the processes of its fits."""
        try:
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _log_tail(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-_TAIL:]

    def kill(self) -> None:
        """Kill the worker and all processes that it has started."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess, OSError):
                if FORKS and os.getpgid(process.pid) == process.pid != os.getpgrp():
                    os.killpg(process.pid, signal.SIGKILL)  # a fit and its children
                process.kill()
        self._process.wait()

    def close(self) -> None:
        """Kill the worker and close its files."""
        self.kill()
        self._reader.join(timeout=5)  # it ends with the worker's output
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._log.close()


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


_WORKER: WorkerProcess | None = None
_LOCK = threading.Lock()
atexit.register(close)
