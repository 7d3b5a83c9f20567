"""scikit-learn's callbacks, such as its progress bar, see the epochs of a fit."""

from __future__ import annotations

from typing import Any

import keras


class EpochTasks(keras.callbacks.Callback):
    """Calls scikit-learn's callbacks of an estimator around its fit to X and y, and around each epoch.

    `n_epochs` is the number of epochs of all members, if none stops early.
    """

    def __init__(self, estimator: Any, n_epochs: int, X: Any, y: Any):
        super().__init__()
        self._estimator = estimator
        self._data = {"X": X, "y": y}
        self._fit = estimator._init_callback_context(max_subtasks=n_epochs)

    def __enter__(self) -> EpochTasks:
        """The fit begins, of one network or several."""
        self._fit.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        return self

    def __exit__(self, *error: object) -> None:
        self._fit.call_on_fit_task_end(estimator=self._estimator, **self._data)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def on_epoch_end(self, epoch, logs=None):
        self._epoch.call_on_fit_task_end(estimator=self._estimator, **self._data)
