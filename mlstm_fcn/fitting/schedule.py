"""Members of an ensemble are trained one after another, or side by side in processes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from joblib.externals.loky import as_completed, get_reusable_executor

from mlstm_fcn._checks import require
from mlstm_fcn._children import safely
from mlstm_fcn._orphans import exit_with
from mlstm_fcn.engine import current
from mlstm_fcn.engine.fingerprint import architecture, is_known
from mlstm_fcn.fitting.fitted import Member
from mlstm_fcn.fitting.lesson import Lesson
from mlstm_fcn.fitting.members import TRAINERS
from mlstm_fcn.fitting.running import outputs_for
from mlstm_fcn.training.loop import History

_IDLE_SECONDS = 30  # that processes wait for the next fit
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_OBJECTS = (keras.losses.Loss, keras.optimizers.Optimizer)


@dataclass(frozen=True, eq=False)
class Training:
    """One member's training.

    Attributes:
        member: Its network is trained in place, and its history gets the figures of each whole epoch.
        rng: Decides everything random.
        checkpoint: File that keeps the state, or None.
        trained_by: A name of `TRAINERS`.
        leaves_out: Whether the member does not see the judged cases of the lesson.
    """

    member: Member
    rng: np.random.Generator
    checkpoint: Path | None
    trained_by: str = "gradient"
    leaves_out: bool = False

    def run(self, lesson: Lesson) -> np.ndarray | None:
        """Train the member.

        Returns:
            Its outputs for the judged cases without having seen them, `(cases, outputs)`, NaN for the others;
            None if no case is judged, or if it has seen them.
        """
        train, data, judged = TRAINERS[self.trained_by], lesson.training, lesson.judged
        network, state = self.member.network, (self.rng, self.member.history, self.checkpoint)
        if judged is None or not self.leaves_out:
            return train(network, lesson, *state)
        seen = replace(lesson, training=data.take(np.setdiff1d(np.arange(len(data)), judged)))
        train(network, seen, *state)
        outputs = np.full(data.targets.shape, np.nan)
        outputs[judged] = outputs_for(network, data.take(judged))
        return outputs


Whole = tuple[int, np.ndarray | None]
"""The number of a training that is whole, and its outputs for the judged cases if it has not seen them."""


def side_by_side(trainings: Sequence[Training], lesson: Lesson) -> Iterator[Whole]:
    """Train all, in processes where there are several of both; yields each when it is whole."""
    if lesson.engine.n_jobs > 1 and len(trainings) > 1:
        return safely(in_processes(trainings, lesson))
    return in_turn(trainings, lesson)


def in_turn(trainings: Sequence[Training], lesson: Lesson) -> Iterator[Whole]:
    """Train one after another; yields each when it is whole."""
    for number, training in enumerate(trainings):
        yield number, training.run(replace(lesson, place=(number + 1, len(trainings))))


def in_processes(trainings: Sequence[Training], lesson: Lesson) -> Iterator[Whole]:
    """Train in processes, on TensorFlow of one thread each; yields each when it is whole.

    With one thread, the result is that of `in_turn` to the bit. An error or an interrupt ends the processes;
    a member that was not whole is as it was.

    Raises:
        ValueError: If a callback, layer, loss or optimizer is the user's, series are memory-mapped, or the
            device is not a CPU.
    """
    backend, recipe = current(), lesson.recipe
    with backend.on(lesson.engine):
        on_cpu = backend.on_cpu
    require(on_cpu, "Processes side by side need a CPU: set the engine's `n_jobs` to 1.")
    parts = [part for part in (recipe.loss, recipe.optimizer) if isinstance(part, _OBJECTS)]
    rule = "A loss or optimizer of your own needs one process: set the engine's `n_jobs` to 1."
    require(all(map(is_known, parts)), rule, loss=recipe.loss, optimizer=recipe.optimizer)
    known = all(architecture(training.member.network) is not None for training in trainings)
    require(known, "A network with layers of your own needs one process: set the engine's `n_jobs` to 1.")
    own = all(type(callback).__module__.startswith("mlstm_fcn.") for callback in lesson.callbacks())
    require(own, "`callbacks` would run in other processes, unseen: set the engine's `n_jobs` to 1.")
    in_memory = lesson.training.prepare is None
    require(in_memory, "Memory-mapped series and loaders need one process: set the engine's `n_jobs` to 1.")
    settings = dict.fromkeys(_THREADS, "1") | {"KERAS_BACKEND": backend.name}
    n_workers = min(lesson.engine.n_jobs, len(trainings))
    end_with_us = {"initializer": exit_with, "initargs": (os.getpid(),)}
    pool = get_reusable_executor(n_workers, timeout=_IDLE_SECONDS, env=settings, **end_with_us)
    silent = replace(lesson, callbacks=list)
    try:
        numbers = {
            pool.submit(_trained, training, _values(training.member.network), silent): number
            for number, training in enumerate(trainings)
        }
        for future in as_completed(numbers):
            number = numbers[future]
            values, history, unseen = future.result()
            _assign(trainings[number].member.network, values)
            trainings[number].member.history.update(history)
            yield number, unseen
    except BaseException:
        pool.shutdown(kill_workers=True)
        raise


def _trained(
    training: Training, values: list[Any], lesson: Lesson
) -> tuple[list[Any], History, np.ndarray | None]:
    """Run in a process of its own. A pickled network lacks the state of its dropout, so values come too."""
    _assign(training.member.network, values)
    unseen = training.run(lesson)
    return _values(training.member.network), training.member.history, unseen


def _values(network: keras.Model) -> list[Any]:
    return [keras.ops.convert_to_numpy(variable.value) for variable in network.variables]


def _assign(network: keras.Model, values: list[Any]) -> None:
    for variable, value in zip(network.variables, values, strict=True):
        variable.assign(value)
