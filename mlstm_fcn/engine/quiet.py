"""Keras and its backend start without lines about themselves on standard error.

`TF_CPP_MIN_LOG_LEVEL` in the environment leaves every line to TensorFlow. Otherwise information about its
start is left out; warnings and the missing CUDA driver too, on a machine without an NVIDIA GPU. Lines of
errors, and of other programs, pass. Another process sorts the lines, so that none is lost in a crash.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from mlstm_fcn._children import python

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_NVIDIA = Path("/dev/nvidia0"), Path("/proc/driver/nvidia")
_INFORMATION = (
    r"WARNING: All log messages before absl::InitializeLog|To enable the following instructions"
    r"|E\d{4} .*oneDNN supports DT_BOOL only"  # information at the level of errors
    r"|I\d{4} \d\d:\d\d:[\d.]+ |\d{4}-\d\d-\d\d [\d:.]+: I "
)
_WITHOUT_GPU = r"|E\d{4} .*failed call to cuInit|W\d{4} \d\d:\d\d:[\d.]+ |\d{4}-\d\d-\d\d [\d:.]+: W "
_ONE_AT_A_TIME = threading.RLock()
_SORT = """
import re, sys
left_out = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not left_out.match(line):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
"""


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what TensorFlow says of its start within the block."""
    level = os.environ.get(_LEVEL)
    by_jax = level == "1" and "jax" in sys.modules  # its import sets the level, if nobody has
    sorter = _sorter() if level is None or by_jax else None
    if sorter is None or sorter.stdin is None:
        yield
        return
    try:
        with _ONE_AT_A_TIME, _errors_go_to(sorter.stdin):
            os.environ[_LEVEL] = "1"  # information that comes later
            yield
    finally:
        if level is None:
            os.environ.pop(_LEVEL, None)
        with suppress(subprocess.TimeoutExpired):  # a child that was started in the block writes on
            sorter.wait(10)


@contextmanager
def _errors_go_to(pipe: IO[bytes]) -> Iterator[None]:
    """Put a pipe in the place of standard error."""
    errors = os.dup(2)
    os.dup2(pipe.fileno(), 2)
    pipe.close()
    try:
        yield
    finally:
        os.dup2(errors, 2)
        os.close(errors)


def _sorter() -> subprocess.Popen[bytes] | None:
    """The process that sorts lines; None where there can be none."""
    left_out = _INFORMATION + ("" if any(path.exists() for path in _NVIDIA) else _WITHOUT_GPU)
    command = python("-I", "-S", "-c", _SORT, left_out)
    if sys.__stderr__ is None or not command[0]:  # descriptor 2 may be any file then
        return None
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=2, start_new_session=True)
    except OSError:  # no further process is allowed
        return None


def import_keras() -> None:
    """Import Keras, with its backend."""
    if "keras" not in sys.modules:
        with quiet():
            import keras  # noqa: F401
