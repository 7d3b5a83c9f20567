"""The worker process, which forks one process per fit.

The worker has imported all libraries, but computed nothing on a device, so forking it is safe and fast. The
memory and crashes of a fit end with its process, and all end with the process that started the worker.
Requests arrive on standard input, responses leave on standard output; each is a pickle preceded by its length
in 8 bytes. The first response is empty: it signals that the worker is ready, so that the time limit excludes
imports.

Where forking is not safe, the worker serves one request and exits.
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
import traceback
from typing import IO, Any

from mlstm_fcn._orphans import exit_with

_LENGTH = 8
FORKS = hasattr(os, "fork") and sys.platform != "darwin"  # its system libraries are not fork-safe


def write_frame(file: IO[bytes], payload: bytes) -> None:
    """Write a payload, preceded by its length."""
    file.write(len(payload).to_bytes(_LENGTH, "little") + payload)
    file.flush()


def read_frame(file: IO[bytes]) -> bytes | None:
    """Read a payload; None if the other side has ended."""
    length = file.read(_LENGTH)
    if len(length) < _LENGTH:
        return None
    size = int.from_bytes(length, "little")
    payload = file.read(size)
    return payload if len(payload) == size else None


def serve(watch: threading.Event) -> None:
    """Respond to requests until standard input ends, which is when the parent has ended.

    Args:
        watch: What ends this process with its parent, see `_orphans.exit_with`, until it is set.
    """
    parent = os.getppid()
    requests, responses = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a fit prints must not mix with the responses
    faulthandler.enable()
    _import_libraries()
    write_frame(responses, b"")
    request = read_frame(requests)
    if FORKS:
        watch.set()  # no threads when it forks
    while FORKS and request is not None:
        write_frame(responses, _response_of_fork(request, parent))
        request = read_frame(requests)
    if request is not None:
        write_frame(responses, _response(request))


def _import_libraries() -> None:
    import mlstm_fcn.benchmark.evaluation
    import mlstm_fcn.datasets
    import mlstm_fcn.fitting
    import mlstm_fcn.layers
    import mlstm_fcn.models  # noqa: F401


def _response_of_fork(request: bytes, parent: int) -> bytes:
    receive, send = os.pipe()
    worker = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(receive)
        os.setsid()  # its children join its group, and are killed with it
        exit_with(worker, lambda: os.killpg(0, signal.SIGKILL))
        with os.fdopen(send, "wb") as file:
            write_frame(file, _response(request))
        os._exit(0)
    os.close(send)
    response = _frame_from(receive, child, parent)
    _kill_group(child)
    _, status = os.waitpid(child, 0)
    if response is not None:
        return response
    return pickle.dumps(("killed", f"The process of the fit exited with status {status}.", ""))


def _kill_group(child: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)


def _frame_from(pipe: int, child: int, parent: int) -> bytes | None:
    """Response of a child, or None if it ends without one; if the worker's parent has ended, both exit."""
    received, end = bytearray(), _LENGTH
    while len(received) < end:
        ready, _, _ = select.select([pipe], [], [], 0.5)
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


def _response(request: bytes) -> bytes:
    """A pickled result, or the kind, message and traceback of a failure."""
    outcome: Any
    try:
        from mlstm_fcn.benchmark.evaluation import fit_and_predict

        outcome = fit_and_predict(pickle.loads(request))
    except MemoryError:
        outcome = ("memory", "The fit ran out of memory.", traceback.format_exc())
    except BaseException as error:
        outcome = ("error", f"{type(error).__name__}: {error}", traceback.format_exc())
    return pickle.dumps(outcome)
