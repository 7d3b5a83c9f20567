"""A warm process that makes one process for each fit: `python -m mlstm_fcn.benchmark.worker`.

It has imported what fits need, but run nothing on a device, so that a fork of it is safe and takes no
time. Each fit has a process of its own, so that its memory and its faults end with it. Requests come on
standard input, answers go to standard output, each as its length in 8 bytes and a pickle. The first answer
is empty: it says that the process is ready, so that a limit of time does not count imports.

Where the system cannot fork safely, the process serves one request and ends.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pickle
import select
import signal
import sys
import threading
import time
import traceback
from typing import IO, Any

_LENGTH = 8
FORKS = hasattr(os, "fork") and sys.platform != "darwin"  # whose libraries may not be used after a fork


def write_frame(file: IO[bytes], payload: bytes) -> None:
    """Send a pickle."""
    file.write(len(payload).to_bytes(_LENGTH, "little") + payload)
    file.flush()


def read_frame(file: IO[bytes]) -> bytes | None:
    """Receive a pickle; None if the other side has ended."""
    length = file.read(_LENGTH)
    if len(length) < _LENGTH:
        return None
    size = int.from_bytes(length, "little")
    payload = file.read(size)
    return payload if len(payload) == size else None


def serve() -> None:
    """Answer until no more requests come."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what fits print is no answer
    faulthandler.enable()
    _import_what_fits_need()
    write_frame(answers, b"")
    while (request := read_frame(requests)) is not None:
        if not FORKS:
            write_frame(answers, _answer(request))
            return
        write_frame(answers, _answer_of_a_fork(request))


def _import_what_fits_need() -> None:
    import mlstm_fcn.benchmark.fitting
    import mlstm_fcn.datasets
    import mlstm_fcn.estimators.fitting
    import mlstm_fcn.layers
    import mlstm_fcn.models  # noqa: F401


def _answer_of_a_fork(request: bytes) -> bytes:
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receive)
        _end_with(os.getppid())
        os.setsid()  # what it starts is of its group, and ends with it
        with os.fdopen(send, "wb") as file:
            write_frame(file, _answer(request))
        os._exit(0)
    os.close(send)
    answer = _frame_of(receive, child)
    _kill_group(child)
    _, status = os.waitpid(child, 0)
    if answer is not None:
        return answer
    return pickle.dumps(("killed", f"The process of the fit ended with status {status}.", ""))


def _kill_group(child: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)


def _frame_of(pipe: int, child: int) -> bytes | None:
    """What a child answers, or None if it ends before; if this process's own parent ends, so do both."""
    parent, received, end = os.getppid(), bytearray(), _LENGTH
    while len(received) < end:
        ready, _, _ = select.select([pipe], [], [], 1.0)
        if os.getppid() != parent:
            _kill_group(child)
            os._exit(1)
        part = os.read(pipe, 1 << 20) if ready else b""
        if ready and not part:
            break
        received += part
        if len(received) >= _LENGTH:
            end = _LENGTH + int.from_bytes(received[:_LENGTH], "little")
    os.close(pipe)
    return bytes(received[_LENGTH:]) if len(received) == end > _LENGTH else None


def _end_with(parent: int) -> None:
    """End this process soon after its parent has ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _answer(request: bytes) -> bytes:
    """A pickled result, or the kind, message and traceback of a failure."""
    answer: Any
    try:
        from mlstm_fcn.benchmark.fitting import fit_and_predict

        answer = fit_and_predict(pickle.loads(request))
    except MemoryError:
        answer = ("memory", "There was not enough memory.", traceback.format_exc())
    except BaseException as error:
        answer = ("error", f"{type(error).__name__}: {error}", traceback.format_exc())
    return pickle.dumps(answer)


if __name__ == "__main__":
    serve()
