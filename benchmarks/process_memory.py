"""Peak memory of a call, above what another call leaves behind, in a process of its own (on Linux)."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any


def in_new_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of a module returns, in a process that has computed nothing else."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def growth(first: Callable[[], Any], then: Callable[[], Any]) -> float:
    """The most memory of this process during the second call, above that after the first one, in MiB."""
    first()
    before = _held("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    then()
    return _held("VmHWM") - before


def _held(name: str) -> float:
    """Memory of this process in MiB, by Linux's names: VmRSS now, VmHWM the most since it was forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))
