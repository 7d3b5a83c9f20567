"""How a member of an ensemble is trained; a table, so that a network may be trained in another way."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import keras
import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.engine import current
from mlstm_fcn.fitting.closed_form import by_ridge
from mlstm_fcn.fitting.lesson import Lesson
from mlstm_fcn.models.transfer import frozen
from mlstm_fcn.training.loop import History, train
from mlstm_fcn.training.progress import ProgressBar


def callbacks_of(
    given: Iterable[keras.callbacks.Callback] | None, verbose: int, *own: keras.callbacks.Callback
) -> list[keras.callbacks.Callback]:
    """Callbacks of one training: copies of the user's, a progress bar if `verbose`, and the package's own.

    Raises:
        ValueError: If the user's are not a list of callbacks.
    """
    rule, kind = "`callbacks` must be a list of Keras callbacks.", keras.callbacks.Callback
    require(
        given is None or (isinstance(given, Iterable) and not isinstance(given, kind)), rule, callbacks=given
    )
    require(all(isinstance(one, kind) for one in given or ()), rule, callbacks=given)
    return [*map(copy.deepcopy, given or ()), *([ProgressBar()] if verbose else []), *own]


class Trainer(Protocol):
    """A way to train a member."""

    def __call__(
        self,
        network: keras.Model,
        lesson: Lesson,
        rng: np.random.Generator,
        history: History,
        checkpoint: Path | None,
    ) -> np.ndarray | None:
        """Train a network in place; `history` gets the figures of each whole epoch.

        Returns:
            Outputs of a network that has not seen the judged cases of the lesson, `(cases, outputs)`, NaN for
            other cases; None if no case is judged, or if they would cost another training.
        """
        ...


def by_gradient(
    network: keras.Model,
    lesson: Lesson,
    rng: np.random.Generator,
    history: History,
    checkpoint: Path | None,
) -> None:
    """Gradient descent as the recipe says. See `Trainer`."""
    with frozen(network, lesson.freeze), current().on(lesson.engine):
        train(
            network,
            lesson.training,
            lesson.recipe,
            loss=lesson.task.loss(lesson.recipe),
            metrics=lesson.task.metrics,
            rng=rng,
            history=history,
            validation=lesson.validation,
            callbacks=lesson.callbacks(),
            checkpoint=checkpoint,
            precision=lesson.precision,
            place=lesson.place,
        )


TRAINERS: dict[str, Trainer] = {"gradient": by_gradient, "ridge": by_ridge}
"""By the name that a network's config has as `trained_by`."""
