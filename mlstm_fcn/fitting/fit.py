"""Fitting: cases, a task, a network spec, a recipe and an input policy give a fitted network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn._randomness import seeded
from mlstm_fcn.engine import AUTO, Backend, Engine, Precision, ready
from mlstm_fcn.fitting.assembly import Assembly
from mlstm_fcn.fitting.cases import Cases
from mlstm_fcn.fitting.closed_form import require_solvable
from mlstm_fcn.fitting.fitted import FittedNetwork, Member
from mlstm_fcn.fitting.history import warn_of_divergence
from mlstm_fcn.fitting.inputs import InputPolicy, ends_early, warn_of_ignored_channels
from mlstm_fcn.fitting.lesson import Callbacks, Lesson
from mlstm_fcn.fitting.names import channel_names
from mlstm_fcn.fitting.network import NetworkSpec
from mlstm_fcn.fitting.outputs import require_outputs
from mlstm_fcn.fitting.prepare import as_members_read, datasets
from mlstm_fcn.fitting.rng import RngSpec
from mlstm_fcn.fitting.schedule import Training
from mlstm_fcn.fitting.streams import require_order
from mlstm_fcn.fitting.task import Task
from mlstm_fcn.fitting.voting import judged_cases, leave_out
from mlstm_fcn.models.pipeline import with_mask
from mlstm_fcn.models.transfer import require_freezable, transfer
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.recipes import Recipe


def fit(
    train: Cases,
    *,
    network: NetworkSpec,
    task: Task,
    recipe: Recipe,
    inputs: InputPolicy,
    rng: RngSpec,
    engine: Engine = AUTO,
    validation: Cases | None = None,
    start: FittedNetwork | None = None,
    freeze: Sequence[str] = (),
    callbacks: Callbacks = list,
    checkpoint: Path | None = None,
    incremental: bool = False,
) -> FittedNetwork:
    """Train new networks, or train a fitted network further.

    Args:
        train: Training cases.
        network: What to build.
        task: What for; it knows the targets.
        recipe: How to train.
        inputs: How series are read.
        rng: Decides everything random.
        engine: How to compute.
        validation: Cases to evaluate after each epoch; they replace the recipe's `validation_split`.
        start: Continue from this one: its preprocessing, options, weights, history and number of epochs.
            Layers that do not match, such as the head for another number of classes, are new. Members keep
            their shares in the vote, since it may have seen any of the cases.
        freeze: Prefixes of the names of layers that training leaves as they are.
        callbacks: Makes the Keras callbacks of each member.
        checkpoint: A file that keeps the state after each epoch, from which a killed fit resumes. It is
            deleted at the end. Members after the first have files with `.2`, `.3` at the end.
        incremental: Whether the cases come in addition to those of earlier fits. A network that is solved in
            closed form, from all cases at once, refuses that.

    Returns:
        The fitted network.

    Raises:
        ValueError: If cases, options or `start` do not fit together.
        FileNotFoundError: If the folder of the checkpoint does not exist.
        Interrupted: If the keyboard interrupts training; its `fitted` is the network with its whole epochs.
            Any other error that a callback raises gets this attribute too.
        RuntimeError: If the process is a fork of one in which the backend has run.

    Warns:
        UserWarning: If training diverged, a validation split is not stratified, or series are cut.
    """
    backend = ready()
    _require_consistent(network, task, inputs, rng, start, checkpoint)
    n_before = start.epochs_trained if start else 0
    generators = [rng.generator(number, n_before) for number in range(_n_members(recipe, start))]
    names = (start.channel_names if start else None) or channel_names(train.X)
    training, validating, held_back = datasets(train, validation, task, recipe, inputs, rng, names)
    preprocessor, members = _untrained(training, validating, network, task, recipe, inputs, start, generators)
    require_freezable([member.network for member in members], freeze)
    kinds = [network.trained_by(member.options) for member in members]
    require_solvable(kinds, freeze, incremental)
    require_order(training, recipe, kinds, checkpoint)
    lesson = Lesson(
        as_members_read(preprocessor, training),
        None if validating is None else as_members_read(preprocessor, validating),
        recipe,
        task,
        engine,
        _precision(backend, engine, members, kinds),
        freeze,
        callbacks,
        continues=start is not None,
        judged=judged_cases(recipe, kinds, training, task, rng) if start is None else None,
    )
    files = _checkpoints(checkpoint, len(members))
    trainings = list(map(Training, members, generators, files, kinds, leave_out(kinds, lesson.judged)))
    made_of = Assembly(preprocessor, network, task, inputs, lesson.precision, names, held_back, start)
    result = made_of.trained(trainings, lesson)
    warn_of_divergence(result.history, lesson.precision)
    for file in filter(None, reversed(files)):  # the first one last: the others are invalid without it
        file.unlink(missing_ok=True)
    return result


def _require_consistent(
    network: NetworkSpec,
    task: Task,
    inputs: InputPolicy,
    rng: RngSpec,
    start: FittedNetwork | None,
    checkpoint: Path | None,
) -> None:
    """Raise unless a fit can be resumed from its checkpoint and continue from its start."""
    rule = "A fit with a `checkpoint` requires an integer as `random_state`, so that it can be resumed."
    require(not checkpoint or rng.is_fixed, rule, random_state=rng.state)
    if start:
        start.require_same(network, inputs)
        rule = "Continued training keeps the unit of the targets."
        require(not task.keeps_unit or task.unit == start.task.unit, rule, unit=task.unit)


def _precision(
    backend: Backend, engine: Engine, members: Sequence[Member], kinds: Sequence[str]
) -> Precision:
    """The arithmetic of training; what is solved in closed form has float32."""
    by_gradient = [member for member, kind in zip(members, kinds, strict=True) if kind == "gradient"]
    with backend.on(engine):
        return backend.precision_for(by_gradient[0].network, engine.precision) if by_gradient else "float32"


def _n_members(recipe: Recipe, start: FittedNetwork | None) -> int:
    if start is None:
        return recipe.n_members
    n_before = len(start.options)
    rule = "Continued training cannot have more members than before."
    require(recipe.n_members <= n_before, rule, n_members=recipe.n_members, before=n_before)
    return recipe.n_members


def _untrained(
    training: Dataset,
    validating: Dataset | None,
    spec: NetworkSpec,
    task: Task,
    recipe: Recipe,
    inputs: InputPolicy,
    start: FittedNetwork | None,
    generators: Sequence[np.random.Generator],
) -> tuple[keras.Model, list[Member]]:
    """The preprocessor, and the members to train; series are brought to the length that these fix."""
    (batch,) = training.inputs
    if start is None:
        preprocessor, channels = inputs.preprocessor(batch), batch.shape[2]
        time, options = spec.plan(recipe, len(generators), batch.shape[1:])
    else:
        preprocessor, time, channels = start.preprocessor, start.time, start.channels
        preprocessor = keras.Model(preprocessor.input, preprocessor.outputs[0], name=preprocessor.name)
        options = [dict(one) for one in start.options]
    every = [data for data in (training, validating) if data is not None]
    for data in every:
        data.inputs[0] = inputs.fit_length(data.inputs[0], time, channels)
    if start:
        warn_of_ignored_channels(preprocessor, training.inputs[0])
    masked = spec.reads_mask or any(ends_early(data.inputs[0]) for data in every)
    form: dict[str, Any] = {"activation": task.activation, "masked": masked}
    members = []
    for number, rng in enumerate(generators):
        one = spec.like(start.members[number].network) if start else spec
        with seeded(rng):
            network = one.build((time, channels), task.n_outputs, options[number], **form)
        if number == 0 and not isinstance(spec.network, str):
            require_outputs(network, task.activation)
        if start:
            transfer(start.members[number].network, network)
        members.append(Member(network, options[number]))
    return (with_mask(preprocessor) if masked else preprocessor), members


def _checkpoints(path: Path | None, n_members: int) -> list[Path | None]:
    """A file for each member: the given one for the first."""
    if not path:
        return [None] * n_members
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder of the checkpoint {path} does not exist.")
    others = [path.with_name(f"{path.name}.{number}") for number in range(2, n_members + 1)]
    left = [str(other) for other in others if other.exists() and not path.exists()]
    require(not left, f"{path} is missing, but checkpoints of other members exist; delete them.", files=left)
    return [path, *others]
