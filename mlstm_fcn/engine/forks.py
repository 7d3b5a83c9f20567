"""Backends do not survive a fork: their threads stay in the parent, and the child waits for them for ever."""

from __future__ import annotations

import os
import sys
from typing import Any

_used_in: int | None = None  # the process in which the backend ran first


def note_use() -> None:
    """Remember that the backend runs in this process.

    Raises:
        RuntimeError: If it has run in a process of which this one is a fork.
    """
    global _used_in
    if lost_in_fork():
        raise RuntimeError(
            "The backend of Keras has run in a process of which this one is a fork, and its threads do not "
            "exist here: computing would never end. Start processes by 'spawn' or 'forkserver' (for example "
            "multiprocessing.get_context('spawn')), or load and fit in the child processes alone. "
            f"Received: first_used_in_process={_used_in}, process={os.getpid()}"
        )
    _used_in = os.getpid()


def lost_in_fork() -> bool:
    """Whether this process is a fork of one in which the backend has run."""
    return _used_in not in (None, os.getpid())


def _note_other_uses() -> None:
    """Before a fork: note a TensorFlow that was used without this package."""
    global _used_in
    module: Any = sys.modules.get("tensorflow.python.eager.context")  # no public name tells this
    started = getattr(getattr(module, "_context", None), "_context_handle", None) is not None
    if started and _used_in is None:
        _used_in = os.getpid()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(before=_note_other_uses)
