"""Training: a Keras model, a recipe, and one source of randomness."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.training.augmentation import augmented
from mlstm_fcn.training.best_epoch import BestEpoch
from mlstm_fcn.training.checkpoint import Checkpoint
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.program import program
from mlstm_fcn.training.randomness import shuffled
from mlstm_fcn.training.recipes import Recipe
from mlstm_fcn.training.step import Logs, batches, evaluation, reader

WARM_UP = 0.1
PLATEAU_EPOCHS = 100

History = dict[str, list[float]]


def train(
    network: keras.Model,
    examples: Dataset,
    recipe: Recipe,
    *,
    loss: keras.losses.Loss | str,
    metrics: Sequence[str],
    rng: np.random.Generator,
    history: History,
    validation: Dataset | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    checkpoint: Path | None = None,
) -> None:
    """Train a network in place, as a recipe says.

    This is Keras' `fit` for arrays, with the order of cases from `rng` instead of a global generator, and
    with the learning rate set once a step: as a schedule inside the compiled step it would be computed
    anew for each weight, which takes seconds to compile.

    Args:
        network: The network.
        examples: What it is trained on.
        recipe: How.
        loss: What to minimise.
        metrics: Names of further figures to report.
        rng: Decides the order of the cases.
        history: Gets loss and metrics of each epoch by name, those of validation as `val_...`; complete
            up to the last whole epoch also if training is interrupted.
        validation: What it is tested on after each epoch.
        callbacks: Called as Keras' `fit` calls them around training, epochs and batches; the end of
            training also if it is interrupted.
        checkpoint: A file that keeps the state after each epoch. If it is there, training goes on from
            it. It stays when training is over.
    """
    own = all(type(callback).__module__.startswith("mlstm_fcn.") for callback in callbacks)
    with program(network, _optimizer(recipe), loss, metrics, reusable=own) as compiled:
        _train(compiled, examples, recipe, rng, history, validation, callbacks, checkpoint)


def _train(compiled, examples, recipe, rng, history, validation, callbacks, checkpoint):
    model, train_step = compiled.model, compiled.step("train", examples)
    evaluate = _no_evaluation
    if validation:
        evaluate = evaluation(compiled.step("test", validation), model, validation)
    keeps_best = bool(recipe.keep_best or recipe.patience)
    best = BestEpoch("val_loss" if validation else "loss", recipe.patience)
    n_epochs, steps = recipe.epochs(len(examples)), -(-len(examples) // recipe.batch_size)
    rate = LearningRate(recipe, model.optimizer, steps, n_epochs)
    state = None
    if checkpoint:
        of = identity(model, examples, validation, recipe)
        state = Checkpoint(checkpoint, model, rng, history, best, of)
    calls = keras.callbacks.CallbackList(
        [*_plateau(recipe, rate.highest), *callbacks], model=model, epochs=n_epochs, steps=steps
    )
    change = partial(augmented, augmentation=recipe.augmentation, rng=rng) if recipe.augmentation else None
    read = reader(examples, change)
    model.stop_training = False
    calls.on_train_begin()
    try:
        for epoch in range(state.resume(calls) if state else 0, n_epochs):
            if model.stop_training or best.is_long_ago(epoch - 1):
                break
            calls.on_epoch_begin(epoch)
            steps = map(read, shuffled(len(examples), recipe.batch_size, rng, recipe.equal_batches))
            logs = _epoch(model, train_step, steps, epoch, rate, calls)
            logs |= {f"val_{name}": value for name, value in evaluate().items()}
            for name, value in logs.items():
                history.setdefault(name, []).append(value)
            calls.on_epoch_end(epoch, logs)
            if keeps_best:
                best.note(epoch, logs, model)
            if state:
                state.save()
        model.optimizer.finalize_variable_values(model.trainable_variables)  # averages, where it keeps them
        if keeps_best:
            best.restore(model)
    finally:
        calls.on_train_end()


def _no_evaluation() -> Logs:
    return {}


def _epoch(model, train_step, steps, epoch, rate, calls) -> Logs:
    model.reset_metrics()
    for step, data in enumerate(steps):
        rate.set(epoch, step)
        calls.on_train_batch_begin(step)
        logs = train_step(*data)
        calls.on_train_batch_end(step, logs)
    return dict(logs)


class LearningRate:
    """Sets the learning rate of each of the `steps` of an epoch, where the schedule has one for each step.

    Raises:
        ValueError: If the optimizer has a schedule of its own, and the recipe another.
    """

    def __init__(self, recipe: Recipe, optimizer: keras.optimizers.Optimizer, steps: int, n_epochs: int):
        self.steps = steps
        self.highest = float(optimizer.learning_rate)
        self._optimizer = optimizer
        self._n_steps = n_epochs * steps
        self._follows_cosine = recipe.schedule == "cosine"
        inner = getattr(optimizer, "inner_optimizer", optimizer)  # of the one that float16 needs
        own = isinstance(inner.get_config()["learning_rate"], dict)
        rule = "An optimizer with a learning rate schedule of its own needs `schedule='constant'` or None."
        require(not own or recipe.schedule == "constant", rule, schedule=recipe.schedule)

    def set(self, epoch: int, step: int) -> None:
        """Set the rate for a step of an epoch, both counted from 0."""
        if self._follows_cosine:
            share = warm_up_and_cosine(epoch * self.steps + step, self._n_steps)
            self._optimizer.learning_rate = self.highest * share


def warm_up_and_cosine(step: int, n_steps: int) -> float:
    """Learning rate of a step (from 0) as a share of the highest: linear warm-up, then half a cosine."""
    warm_up = max(1, round(WARM_UP * n_steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (n_steps - warm_up)))


def identity(model: keras.Model, examples: Dataset, validation: Dataset | None, recipe: Recipe) -> str:
    """A digest of all that decides how a training goes: data, initial weights, network, recipe."""
    digest = hashlib.sha256()
    parts = [part for part in (examples, validation) if part]
    read = (part.read(cases).arrays() for part in parts for cases in batches(part, 256))
    for array in itertools.chain(*read, model.get_weights()):
        digest.update(np.ascontiguousarray(array).tobytes())
    for layer in model.layers:
        digest.update(repr({**layer.get_config(), "name": None}).encode())
    settings = {**vars(recipe), "optimizer": {**model.optimizer.get_config(), "name": None}}
    digest.update(repr([settings, repr(keras.losses.serialize(keras.losses.get(model.loss)))]).encode())
    return digest.hexdigest()


def _optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    settings: dict[str, Any] = {}
    if recipe.learning_rate is not None:
        settings["learning_rate"] = recipe.learning_rate
    if recipe.average_weights is not None:
        settings |= {"use_ema": True, "ema_momentum": recipe.average_weights}
    if not isinstance(recipe.optimizer, str):
        return type(recipe.optimizer).from_config({**recipe.optimizer.get_config(), **settings})
    if recipe.optimizer == "adamw":
        settings["weight_decay"] = recipe.weight_decay
    return keras.optimizers.get({"class_name": str(recipe.optimizer), "config": settings})


def _plateau(recipe: Recipe, highest: float) -> Iterator[keras.callbacks.Callback]:
    if recipe.schedule == "plateau":
        yield keras.callbacks.ReduceLROnPlateau(
            monitor="loss", factor=2 ** (-1 / 3), patience=PLATEAU_EPOCHS, min_lr=highest / 10
        )
