"""Training: a Keras model, a recipe, and one source of randomness."""

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from mlstm_fcn.recipes import Recipe
from mlstm_fcn.step import compiled_step

WARM_UP = 0.1
PLATEAU_EPOCHS = 100


def train(
    model: keras.Model,
    inputs: list[np.ndarray],
    targets: np.ndarray,
    sample_weight: np.ndarray,
    recipe: Recipe,
    *,
    loss: keras.losses.Loss,
    metrics: Sequence[str],
    rng: np.random.Generator,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Compile a model as a recipe says and train it in place.

    This is Keras' `fit` for arrays, with the order of cases from `rng` instead of a global generator, and
    with the learning rate set once a step: as a schedule inside the compiled step it would be computed
    anew for each weight, which takes seconds to compile.

    Args:
        model: From the inputs to the shape of the targets.
        inputs: One array for each input of the model: series `(cases, time, channels)`, perhaps a mask.
        targets: Training targets, shape `(cases, outputs)`.
        sample_weight: Weight of each case in the loss, shape `(cases,)`.
        recipe: How to train.
        loss: What to minimise.
        metrics: Names of further figures to report.
        rng: Decides the order of the cases.
        callbacks: Called as Keras' `fit` does.

    Returns:
        The loss and the metrics of each epoch, by name.
    """
    model.compile(_optimizer(recipe), loss, weighted_metrics=list(metrics))
    train_step = compiled_step(model, inputs, targets, sample_weight)
    steps = -(-len(targets) // recipe.batch_size)
    history = keras.callbacks.History()
    calls = keras.callbacks.CallbackList(
        [history, *_recipe_callbacks(recipe), *callbacks], model=model, epochs=recipe.n_epochs, steps=steps
    )
    model.stop_training = False
    calls.on_train_begin()
    for epoch in range(recipe.n_epochs):
        calls.on_epoch_begin(epoch)
        model.reset_metrics()
        for step, cases in enumerate(shuffled(len(targets), recipe.batch_size, rng)):
            if recipe.schedule == "cosine":
                done, total = epoch * steps + step, recipe.n_epochs * steps
                model.optimizer.learning_rate = recipe.learning_rate * warm_up_and_cosine(done, total)
            calls.on_train_batch_begin(step)
            logs = train_step(cases)
            calls.on_train_batch_end(step, logs)
        calls.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    calls.on_train_end()
    return history.history


@contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """Make what Keras draws from the global generators depend on `rng`, and leave those as they were.

    Keras seeds initialisers and dropout from Python's generator when a layer is made, so a network
    must be built in here to be reproducible.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    seed = int(rng.integers(2**31))
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


def shuffled(n_cases: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """The cases of one epoch, each once, in a new order: indices batch by batch, the last perhaps fewer."""
    order = rng.permutation(n_cases)
    for start in range(0, n_cases, batch_size):
        yield order[start : start + batch_size]


def warm_up_and_cosine(step: int, n_steps: int) -> float:
    """Learning rate of a step (from 0) as a share of the highest: linear warm-up, then half a cosine."""
    warm_up = max(1, round(WARM_UP * n_steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (n_steps - warm_up)))


def _optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay)
    return keras.optimizers.Adam(recipe.learning_rate)


def _recipe_callbacks(recipe: Recipe) -> Iterator[keras.callbacks.Callback]:
    if recipe.schedule == "plateau":
        yield keras.callbacks.ReduceLROnPlateau(
            monitor="loss",
            factor=2 ** (-1 / 3),
            patience=PLATEAU_EPOCHS,
            min_lr=recipe.learning_rate / 10,
        )
    if recipe.keep_best:  # a patience that never runs out: only the best weights are kept
        yield keras.callbacks.EarlyStopping(
            monitor="loss", patience=recipe.n_epochs + 1, restore_best_weights=True
        )
