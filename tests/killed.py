"""Run a function in a process that is killed at one of its steps in the file system."""

import os
import signal
import sys
from itertools import count

_STEPS = {
    f"os.{name}" for name in ("chmod", "link", "mkdir", "remove", "rename", "rmdir", "symlink", "truncate")
}


def steps_of(function):
    """Kill a process that runs the function at its first step, then another at its second, and so on.

    A step is whatever changes files. The function runs in forks: call this in a process without threads.

    Yields:
        The number of the step, after each kill; the function is whole when there are no more.
    """
    for number in count():
        child = os.fork()
        if child == 0:
            _kill_at(number)
            function()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert status == 0, status
            return
        yield number


def _kill_at(number):
    steps = count()

    def note(event, arguments):
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in _STEPS) and next(steps) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(note)
