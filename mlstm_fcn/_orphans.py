"""Processes that end with the one that started them, however that ends."""

import os
import sys
import threading
from collections.abc import Callable

_POLL = 0.5  # seconds


def _exit() -> None:
    os._exit(1)


def exit_with(parent: int, end: Callable[[], object] = _exit) -> threading.Event:
    """End this process soon after its parent has ended. On Windows this does nothing.

    The system gives a process whose parent has ended another parent; a thread asks for it. (Linux can send a
    signal instead, but already when the thread that started the process ends.)

    Args:
        parent: The process id of the parent, which must be known from before this process was started.
        end: Ends this process.

    Returns:
        An event; set it to end the thread, for example before a fork.
    """
    stop = threading.Event()

    def watch() -> None:
        while os.getppid() == parent:
            if stop.wait(_POLL):
                return
        end()

    if sys.platform != "win32":
        threading.Thread(target=watch, daemon=True, name="exit_with").start()
    return stop


def prelude() -> str:
    """Source that begins a child process before any import: `watch` is what `exit_with` returns."""
    return f"_ = {{}}; exec(open({__file__!r}).read(), _); watch = _['exit_with']({os.getpid()})\n"
