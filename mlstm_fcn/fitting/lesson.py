"""What the members of a fit are trained with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np

from mlstm_fcn.engine import AUTO, Engine, Precision
from mlstm_fcn.fitting.task import Task
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.recipes import Recipe

Callbacks = Callable[[], Sequence[keras.callbacks.Callback]]
"""Makes the callbacks of one training."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What all members of a fit are trained with.

    Attributes:
        training: Training cases as the members read them.
        validation: Validation cases, or None.
        recipe: How to train.
        task: What for.
        engine: How to compute.
        precision: Arithmetic of training by gradient.
        freeze: Prefixes of the names of layers that training leaves as they are.
        callbacks: Makes the callbacks of each training by gradient.
        continues: Whether the members were trained before.
        judged: Training cases, by index, that each way to train predicts without having seen any of them;
            None: all members vote equally.
        place: Number of the member that is trained, from 1, and of all of them.
    """

    training: Dataset
    validation: Dataset | None
    recipe: Recipe
    task: Task
    engine: Engine = AUTO
    precision: Precision = "float32"
    freeze: Sequence[str] = ()
    callbacks: Callbacks = field(default=list)
    continues: bool = False
    judged: np.ndarray | None = None
    place: tuple[int, int] = (1, 1)
