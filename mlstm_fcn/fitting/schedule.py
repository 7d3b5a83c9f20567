"""Members of an ensemble are trained one after another, or side by side in processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from joblib.externals.loky import as_completed, get_reusable_executor

from mlstm_fcn._checks import require
from mlstm_fcn.engine import Engine, current
from mlstm_fcn.engine.fingerprint import architecture, is_known
from mlstm_fcn.fitting.members import TRAINERS, Lesson
from mlstm_fcn.training.loop import History

_IDLE_SECONDS = 30  # that processes wait for the next fit
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_OBJECTS = (keras.losses.Loss, keras.optimizers.Optimizer)


@dataclass(frozen=True, eq=False)
class Training:
    """One member's training.

    Attributes:
        network: What is trained, in place.
        history: Gets the figures of each whole epoch.
        rng: Decides everything random.
        checkpoint: File that keeps the state, or None.
    """

    network: keras.Model
    history: History
    rng: np.random.Generator
    checkpoint: Path | None

    def run(self, lesson: Lesson, trained_by: str) -> None:
        """Train the member."""
        TRAINERS[trained_by](self.network, lesson, self.rng, self.history, self.checkpoint)


def side_by_side(
    trainings: Sequence[Training], lesson: Lesson, trained_by: str, engine: Engine
) -> Iterator[int]:
    """Train all, in processes where there are several of both; yields the number of each that is whole."""
    several = engine.n_jobs > 1 and len(trainings) > 1
    return (in_processes if several else in_turn)(trainings, lesson, trained_by, engine)


def in_turn(trainings: Sequence[Training], lesson: Lesson, trained_by: str, engine: Engine) -> Iterator[int]:
    """Train one after another; yields the number of each when it is whole."""
    for number, training in enumerate(trainings):
        training.run(lesson, trained_by)
        yield number


def in_processes(
    trainings: Sequence[Training], lesson: Lesson, trained_by: str, engine: Engine
) -> Iterator[int]:
    """Train in processes, on TensorFlow of one thread each; yields the number of each when it is whole.

    With one thread, the result is that of `in_turn` to the bit. An error or an interrupt ends the processes;
    a member that was not whole is as it was.

    Raises:
        ValueError: If a callback, layer, loss or optimizer is the user's, series are memory-mapped, or the
            device is not a CPU.
    """
    backend, recipe = current(), lesson.recipe
    require(backend.on_cpu, "Processes side by side need a CPU: set the engine's `n_jobs` to 1.")
    parts = [part for part in (recipe.loss, recipe.optimizer) if isinstance(part, _OBJECTS)]
    rule = "A loss or optimizer of your own needs one process: set the engine's `n_jobs` to 1."
    require(all(map(is_known, parts)), rule, loss=recipe.loss, optimizer=recipe.optimizer)
    known = all(architecture(training.network) is not None for training in trainings)
    require(known, "A network with layers of your own needs one process: set the engine's `n_jobs` to 1.")
    own = all(type(callback).__module__.startswith("mlstm_fcn.") for callback in lesson.callbacks())
    require(own, "`callbacks` would run in other processes, unseen: set the engine's `n_jobs` to 1.")
    in_memory = lesson.training.prepare is None
    require(in_memory, "Memory-mapped series need one process: set the engine's `n_jobs` to 1.")
    settings = dict.fromkeys(_THREADS, "1") | {"KERAS_BACKEND": backend.name}
    pool = get_reusable_executor(min(engine.n_jobs, len(trainings)), timeout=_IDLE_SECONDS, env=settings)
    silent = replace(lesson, callbacks=list)
    try:
        numbers = {
            pool.submit(_trained, training, _values(training.network), silent, trained_by, engine): number
            for number, training in enumerate(trainings)
        }
        for future in as_completed(numbers):
            number = numbers[future]
            values, history = future.result()
            _assign(trainings[number].network, values)
            trainings[number].history.update(history)
            yield number
    except BaseException:
        pool.shutdown(kill_workers=True)
        raise


def _trained(
    training: Training, values: list[Any], lesson: Lesson, trained_by: str, engine: Engine
) -> tuple[list[Any], History]:
    """Run in a process of its own. A pickled network lacks the state of its dropout, so values come too."""
    _assign(training.network, values)
    with current().on(engine):
        training.run(lesson, trained_by)
    return _values(training.network), training.history


def _values(network: keras.Model) -> list[Any]:
    return [keras.ops.convert_to_numpy(variable.value) for variable in network.variables]


def _assign(network: keras.Model, values: list[Any]) -> None:
    for variable, value in zip(network.variables, values, strict=True):
        variable.assign(value)
