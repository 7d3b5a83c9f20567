"""Members are trained, and what is whole becomes a fitted network."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mlstm_fcn.engine import Precision
from mlstm_fcn.fitting.fitted import FittedNetwork, Member
from mlstm_fcn.fitting.history import mean_history, one_after_the_other
from mlstm_fcn.fitting.inputs import InputPolicy
from mlstm_fcn.fitting.lesson import Lesson
from mlstm_fcn.fitting.names import Names
from mlstm_fcn.fitting.network import NetworkSpec
from mlstm_fcn.fitting.schedule import Training, side_by_side
from mlstm_fcn.fitting.task import Task
from mlstm_fcn.fitting.voting import kept_shares, worths
from mlstm_fcn.models.ensemble import ensemble
from mlstm_fcn.models.pipeline import compose, in_unit


class Interrupted(KeyboardInterrupt):
    """An interrupt from the keyboard, with what had been fitted.

    Attributes:
        fitted: The network after its last whole epoch; None if no epoch was whole.
    """

    def __init__(self, fitted: FittedNetwork | None = None):
        super().__init__()
        self.fitted = fitted

    def __reduce__(self) -> Any:
        return Interrupted, (self.fitted,)


@dataclass(frozen=True, eq=False)
class Assembly:
    """What a fitted network is made of, besides its members and their shares in the vote.

    Attributes:
        preprocessor: Scaling and filling in.
        spec: The network that the members are.
        task: What for.
        inputs: How series are read.
        precision: Arithmetic of training.
        channel_names: Names of the channels, or None.
        held_back: Whether a `validation_split` holds each case back, or None.
        start: What the fit continues from, or None.
    """

    preprocessor: keras.Model
    spec: NetworkSpec
    task: Task
    inputs: InputPolicy
    precision: Precision
    channel_names: Names | None
    held_back: np.ndarray | None
    start: FittedNetwork | None

    def of(self, members: Sequence[Member], shares: Sequence[float] | None) -> FittedNetwork:
        """The fitted network of some members; they vote equally if they have no shares."""
        network = ensemble([member.network for member in members], shares)
        new = mean_history([member.history for member in members])
        before, n_before = (self.start.history, self.start.epochs_trained) if self.start else ({}, 0)
        return FittedNetwork(
            compose(self.preprocessor, network, in_unit(*self.task.unit)),
            self.spec,
            tuple(member.options for member in members),
            self.task,
            self.inputs,
            one_after_the_other(before, new),
            n_before + len(new.get("loss", ())),
            self.precision,
            self.channel_names,
            held_back=self.held_back,
        )

    def trained(self, trainings: Sequence[Training], lesson: Lesson) -> FittedNetwork:
        """Train all members.

        Raises:
            Interrupted: If the keyboard interrupts training; its `fitted` is what is whole by then. Any other
                error gets this attribute too.
        """
        members = [one.member for one in trainings]
        kept = kept_shares(self.start.network, len(members)) if self.start else None
        unseen: list[np.ndarray | None] = [None] * len(members)
        whole = set(range(len(members)) if self.start else ())  # what was trained before votes in any case
        try:
            for number, outputs in side_by_side(trainings, lesson):
                whole.add(number)
                unseen[number] = outputs
        except BaseException as error:
            some = [members[number] for number in sorted(whole or {0})]  # the first may have whole epochs
            partial = self.of(some, kept) if any(member.history for member in some) else None
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted(partial) from error
            with suppress(AttributeError):
                error.fitted = partial  # type: ignore[attr-defined]
            raise
        if lesson.judged is not None:
            kept = worths([one.trained_by for one in trainings], unseen, lesson.training, self.task)
        return self.of(members, kept)
