"""Fits in processes of their own, within limits of time and memory."""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import platform
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import Any

import cloudpickle
import psutil

from mlstm_fcn._checks import require
from mlstm_fcn.benchmark.result import Failure, Job, Result
from mlstm_fcn.benchmark.worker import FORKS, read_frame, write_frame

_POLL = 0.2  # seconds
_TAIL = 4000  # characters of what a process wrote last
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
    """What a fit may take.

    Attributes:
        seconds: Wall time, with loading and predicting; None: any.
        megabytes: Resident memory, in 10^6 bytes; None: any.
        threads: Threads of each library that computes; None: as the library has it.

    Raises:
        ValueError: If one is not positive.
    """

    seconds: float | None = None
    megabytes: float | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        limits = {name: value for name, value in vars(self).items() if value is not None}
        require(all(value > 0 for value in limits.values()), "Limits must be positive.", **limits)


@dataclass(frozen=True)
class Owner:
    """Who wants results: when that process ends, its fits on the same machine end too."""

    host: str
    pid: int

    @classmethod
    def me(cls) -> Owner:
        """This process."""
        return cls(platform.node(), os.getpid())

    def is_gone(self) -> bool:
        """Whether it is known to have ended."""
        return self.host == platform.node() and not psutil.pid_exists(self.pid)


def fit_apart(job: Job, limits: Limits, owner: Owner | None = None) -> Result | Failure:
    """Fit in a process of its own, made from one that this process keeps warm.

    Args:
        job: What to fit.
        limits: What it may take.
        owner: If that process ends, so does this one; None where others use this one too.
    """
    with _LOCK:
        global _WARM
        if _WARM is None or _WARM.threads != limits.threads:
            close()
            _WARM = WarmProcess(limits.threads)
        try:
            answer = _WARM.ask(job, limits, owner)
        except BaseException:  # an interrupt: its answer must not be taken for that of the next job
            close()
            raise
        if not FORKS or not _WARM.is_alive():
            close()
        return answer


def close() -> None:
    """End the warm process, if there is one."""
    global _WARM
    if _WARM is not None:
        _WARM.kill()
    _WARM = None


class WarmProcess:
    """The process of `mlstm_fcn.benchmark.worker`, seen from outside."""

    def __init__(self, threads: int | None):
        self.threads = threads
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))  # of the user's own modules
        if threads is not None:
            environment |= dict.fromkeys(_THREADS, str(threads))
        self._log = tempfile.TemporaryFile("a+b")  # noqa: SIM115, it lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlstm_fcn.benchmark.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
        )
        self._is_ready = self._ended = False
        self._answers: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while (answer := read_frame(self._process.stdout)) is not None:
            self._answers.put(answer)
        self._ended = True
        self._answers.put(None)

    def is_alive(self) -> bool:
        """Whether it can be asked again."""
        return not self._ended and self._process.poll() is None

    def ask(self, job: Job, limits: Limits, owner: Owner | None) -> Result | Failure:
        """Have a job done; where a limit is passed, this process ends with it."""
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
            if owner is not None and owner.is_gone():
                self.kill()
                os._exit(1)
            passed = self._is_ready and self._limit_passed(limits, time.monotonic() - self._start)
            if passed:
                self.kill()
                return Failure(job.key, *passed, traceback=self._last_words())

    def _outcome(self, job: Job, payload: bytes | None) -> Result | Failure:
        answer: Any = pickle.loads(payload) if payload is not None else None
        if isinstance(answer, Result):
            return answer
        kind, message, trace = answer or ("killed", "The process of the fit was ended from outside.", "")
        return Failure(job.key, kind, message, trace or self._last_words())

    def _limit_passed(self, limits: Limits, seconds: float) -> tuple[str, str] | None:
        if limits.seconds is not None and seconds > limits.seconds:
            return "time", f"It was not done after {limits.seconds:g} s."
        if limits.megabytes is not None:
            megabytes = sum(_resident(process) for process in self._family()[1:] or self._family()) / 1e6
            if megabytes > limits.megabytes:
                return "memory", f"It took {megabytes:.0f} MB, more than {limits.megabytes:g}."
        return None

    def _family(self) -> list[psutil.Process]:
        """The warm process, then the fits that it has made."""
        try:
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-_TAIL:]

    def kill(self) -> None:
        """End the process and all it has started."""
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess, OSError):
                if FORKS and os.getpgid(process.pid) == process.pid != os.getpgrp():
                    os.killpg(process.pid, signal.SIGKILL)  # a fit, and what it has started
                process.kill()
        self._process.wait()


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


_WARM: WarmProcess | None = None
_LOCK = threading.Lock()
atexit.register(close)
