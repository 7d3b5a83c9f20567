"""How far training is: a line that changes in a terminal, lines one after another elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_BAR = 10  # columns
_TIMES = 22  # columns of elapsed and remaining time
_FIGURES = 34  # columns of loss and accuracy with those of validation
_FEW = 20  # epochs that have a line each where there is no terminal; of more, every tenth has


class ProgressBar(keras.callbacks.Callback):
    """Member and epoch, the last epoch's figures (training|validation), elapsed and remaining time.

    In a terminal it is one line, which fits 80 columns. Elsewhere, such as in a log, it is a line for each
    epoch, or for the first, every tenth and the last of more than 20.
    """

    def on_train_begin(self, logs: Any = None) -> None:
        self._console, self._start = Console(), time.monotonic()
        self._progress: Progress | None = None
        self._room = self._console.width - len(self._place(0)) - _TIMES
        if self._console.is_terminal or self._console.is_jupyter:
            has_bar = self._room >= _FIGURES + _BAR + 1
            self._room -= (_BAR + 1) * has_bar
            self._progress = _line(self._console, has_bar)
            self._progress.start()
            self._task = self._progress.add_task(self._place(0), total=self.params["epochs"], figures="")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        done, n_epochs = epoch + 1, self.params["epochs"]
        text = figures_within(logs or {}, self._room)
        if self._progress:
            self._progress.update(self._task, completed=done, description=self._place(done), figures=text)
        elif n_epochs <= _FEW or done % 10 == 0 or done in (1, n_epochs):
            print(f"{self._place(done)}  {text}  {time.monotonic() - self._start:.0f} s", flush=True)

    def on_train_end(self, logs: Any = None) -> None:
        if self._progress:
            self._progress.stop()

    def _place(self, done: int) -> str:
        """Which member of several, and which epoch."""
        members, n_epochs = self.params.get("members", 1), self.params["epochs"]
        member = f"member {self.params['member']}/{members}  " if members > 1 else ""
        return f"{member}epoch {done:>{len(str(n_epochs))}}/{n_epochs}"


def _line(console: Console, has_bar: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        *([BarColumn(_BAR)] if has_bar else []),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def figures_within(figures: Mapping[str, float], width: int) -> str:
    """Figures by name, `training|validation`: as many as fit; the loss in any case.

    Args:
        figures: Of an epoch, those of validation as `val_...`.
        width: Columns.
    """
    both = {
        name: [figures[one] for one in (name, f"val_{name}") if one in figures]
        for name in sorted(figures, key=lambda name: name != "loss")
        if not name.startswith("val_")
    }
    texts = [
        "  ".join(f"{name} {'|'.join(f'{one:.{digits}f}' for one in both[name])}" for name in chosen)
        for chosen in [list(both)[:count] for count in range(len(both), 0, -1)]
        for digits in (3, 2)
    ]
    return next((text for text in texts if len(text) <= width), texts[-1] if texts else "")
