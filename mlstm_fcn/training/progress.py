"""A progress bar for training."""

from typing import Any

import keras
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class ProgressBar(keras.callbacks.Callback):
    """A line with the finished epochs, the last epoch's metrics, and the elapsed and remaining time."""

    def on_train_begin(self, logs: Any = None) -> None:
        self._progress = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._progress.start()
        self._task = self._progress.add_task("fit", total=self.params["epochs"], figures="")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        figures = "  ".join(f"{name} {value:.3f}" for name, value in (logs or {}).items())
        self._progress.update(self._task, advance=1, figures=figures)

    def on_train_end(self, logs: Any = None) -> None:
        self._progress.stop()
