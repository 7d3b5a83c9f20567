"""Training: a Keras model, a recipe, and one source of randomness."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import keras
import numpy as np

from mlstm_fcn import engine
from mlstm_fcn._randomness import shuffled
from mlstm_fcn.training.augmentation import augmented
from mlstm_fcn.training.best_epoch import BestEpoch
from mlstm_fcn.training.checkpoint import Checkpoint, identity
from mlstm_fcn.training.dataset import BatchSource, Dataset
from mlstm_fcn.training.optimizer import learning_rates, optimizer_of, plateau, rate_of
from mlstm_fcn.training.recipes import Recipe

History = dict[str, list[float]]
_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


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
    precision: engine.Precision = "float32",
    place: tuple[int, int] = (1, 1),
) -> None:
    """Train a network in place, as a recipe says.

    This is Keras' `fit` for arrays, with the order of cases from `rng` instead of a global generator, and
    with an epoch in one call of the engine unless a callback has batch hooks.

    Args:
        network: The network.
        examples: Training cases.
        recipe: How to train.
        loss: What to minimise.
        metrics: Names of further figures to report.
        rng: Decides the order of the cases.
        history: Gets loss and metrics of each epoch by name, those of validation as `val_...`; complete
            up to the last whole epoch also if training is interrupted.
        validation: Cases to evaluate after each epoch.
        callbacks: Called as Keras' `fit` calls them around training, epochs and batches; the end of
            training also if it is interrupted.
        checkpoint: A file that keeps the state after each epoch. If it exists, training resumes from it. It
            stays when training ends.
        precision: Arithmetic of the steps, see `engine.Engine`.
        place: Which network of how many it is; callbacks have it as `params["member"]` and `["members"]`.

    Raises:
        ValueError: If the optimizer has a schedule of its own and the recipe another, or the checkpoint
            belongs to another training.
    """
    own = all(type(callback).__module__.startswith("mlstm_fcn.") for callback in callbacks)
    current, optimizer = engine.current(), optimizer_of(recipe)
    with current.program(network, optimizer, loss, metrics, reusable=own, precision=precision) as program:
        training = _Training(program, examples, validation, recipe, rng, callbacks, place)
        training.run(history, checkpoint)


class _Training:
    """One training of a compiled program."""

    def __init__(
        self,
        program: engine.Program,
        examples: Dataset,
        validation: Dataset | None,
        recipe: Recipe,
        rng: np.random.Generator,
        callbacks: Sequence[keras.callbacks.Callback],
        place: tuple[int, int],
    ):
        self.program, self.recipe, self.rng = program, recipe, rng
        self.examples, self.validation = examples, validation
        change = (
            partial(augmented, augmentation=recipe.augmentation, rng=rng) if recipe.augmentation else None
        )
        self.source = BatchSource(examples, change)
        self.held_back = None if validation is None else BatchSource(validation)
        program.prepare(self.source)
        optimizer, self.n_cases = program.model.optimizer, len(examples)
        self.n_epochs, n_steps = recipe.epochs(self.n_cases), -(-self.n_cases // recipe.batch_size)
        self.rates = learning_rates(recipe, optimizer, self.n_epochs, n_steps)
        every = [*plateau(recipe, rate_of(optimizer)), *callbacks]
        sizes = {"epochs": self.n_epochs, "steps": n_steps, "member": place[0], "members": place[1]}
        self.calls = keras.callbacks.CallbackList(every, model=program.model, **sizes)
        self.step_by_step = any(map(_has_batch_hooks, callbacks))
        self.best = BestEpoch("loss" if validation is None else "val_loss", recipe.patience)
        self.keeps_best = bool(recipe.keep_best or recipe.patience)

    def run(self, history: History, checkpoint: Path | None) -> None:
        """All epochs; callbacks see the end of training however it ends."""
        model, state = self.program.model, self._checkpoint(history, checkpoint)
        model.stop_training = False
        self.calls.on_train_begin()
        try:
            for epoch in range(state.resume(self.calls) if state else 0, self.n_epochs):
                if model.stop_training or self.best.is_long_ago(epoch - 1):
                    break
                self.calls.on_epoch_begin(epoch)
                figures = self._epoch(epoch)
                for name, value in figures.items():
                    history.setdefault(name, []).append(value)
                self.calls.on_epoch_end(epoch, figures)
                if self.keeps_best:
                    self.best.note(epoch, figures, model)
                if state:
                    state.save()
            model.optimizer.finalize_variable_values(model.trainable_variables)  # moving averages
            if self.keeps_best:
                self.best.restore(model)
        finally:
            self.calls.on_train_end()

    def _checkpoint(self, history: History, path: Path | None) -> Checkpoint | None:
        if not path:
            return None
        model = self.program.model
        of = identity(model, self.examples, self.validation, self.recipe)
        return Checkpoint(path, model, self.rng, history, self.best, of)

    def _epoch(self, epoch: int) -> engine.Figures:
        """Figures of an epoch, those of validation as `val_...`."""
        recipe = self.recipe
        batches = list(shuffled(self.n_cases, recipe.batch_size, self.rng, recipe.equal_batches))
        rates = None if self.rates is None else self.rates[epoch]
        self.program.model.reset_metrics()
        if self.step_by_step:
            figures = self._steps(batches, rates)
        else:
            figures = self.program.train(self.source, batches, rates)
        if self.validation is not None and self.held_back is not None:
            steps = self.validation.inputs[0].shape[1]
            validated = self.program.evaluate(self.held_back, steps)
            figures |= {f"val_{name}": value for name, value in validated.items()}
        return figures

    def _steps(self, batches: list[np.ndarray], rates: np.ndarray | None) -> engine.Figures:
        """An epoch step by step, for callbacks that are called around each batch."""
        figures: engine.Figures = {}
        for step, batch in enumerate(batches):
            if rates is not None:  # before the hook, which may set another
                self.program.model.optimizer.learning_rate = rates[step]
            self.calls.on_train_batch_begin(step)
            figures = self.program.train(self.source, [batch])
            self.calls.on_train_batch_end(step, figures)
        return dict(figures)


def _has_batch_hooks(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback is to be called around each batch; an epoch is not one call then."""
    plain = keras.callbacks.Callback
    own = (getattr(getattr(callback, hook), "__func__", None) for hook in _BATCH_HOOKS)
    return any(method is not getattr(plain, hook) for method, hook in zip(own, _BATCH_HOOKS, strict=True))
