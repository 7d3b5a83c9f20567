"""Live progress of a benchmark."""

from __future__ import annotations

import time
from collections import defaultdict
from types import TracebackType

import rich.live
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mlstm_fcn.benchmark import Failure, Plan, Result


class Live:
    """Show progress as a table with a row per estimator, or as a line per fit if the output is no terminal.

    Args:
        plan: The plan of the benchmark.
    """

    def __init__(self, plan: Plan):
        self._plan = plan
        self._total: dict[str, int] = defaultdict(int)
        for job in plan.jobs:
            self._total[job.key.estimator] += 1
        self._accuracies: dict[str, list[float]] = defaultdict(list)
        self._failures: dict[str, int] = defaultdict(int)
        self._start = time.monotonic()
        self._last = ""
        self._console = Console()
        self._live = rich.live.Live(console=self._console, get_renderable=self._table, refresh_per_second=2)

    def __enter__(self) -> Live:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def add(self, outcome: Result | Failure) -> None:
        """Count a result or failure, and show it."""
        key = outcome.key
        if isinstance(outcome, Failure):
            self._failures[key.estimator] += 1
            message = f"{outcome.kind}: {outcome.message}"
        else:
            accuracy = float((outcome.y_true == outcome.y_pred).mean())
            self._accuracies[key.estimator].append(accuracy)
            message = f"{accuracy:.4f} in {outcome.fit_seconds:.1f} s"
        self._last = f"{key.problem} {key.estimator} {key.resample}: {message}"
        if not self._console.is_terminal:
            print(self._last, flush=True)

    def _table(self) -> Table:
        table = Table(caption=Text(f"{self._last}\n{self._time()}"), caption_justify="left")
        for column in ("estimator", "done", "to do", "failed", "mean accuracy"):
            table.add_column(column, justify="left" if column == "estimator" else "right")
        for name, total in self._total.items():
            done, failed = self._accuracies[name], self._failures[name]
            mean = f"{sum(done) / len(done):.4f}" if done else ""
            table.add_row(name, str(len(done)), str(total - len(done) - failed), str(failed), mean)
        return table

    def _time(self) -> str:
        elapsed = time.monotonic() - self._start
        done = sum(map(len, self._accuracies.values())) + sum(self._failures.values())
        left = f", about {elapsed / done * (len(self._plan.jobs) - done) / 60:.0f} min left" if done else ""
        return f"{elapsed / 60:.0f} min elapsed{left}"
