"""Training: a compiled Keras model, a recipe, and one source of randomness."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from mlstm_fcn.recipes import Recipe

WARM_UP = 0.1
PLATEAU_EPOCHS = 100


def train(
    model: keras.Model,
    batch: np.ndarray,
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

    Args:
        model: From `(batch, time, channels)` to the shape of the targets.
        batch: Training series, shape `(cases, time, channels)`.
        targets: Training targets, shape `(cases, outputs)`.
        sample_weight: Weight of each case in the loss, shape `(cases,)`.
        recipe: How to train.
        loss: What to minimise.
        metrics: Names of further figures to report.
        rng: Decides the order of the cases.
        callbacks: Called as Keras does.

    Returns:
        The loss and the metrics of each epoch, by name.
    """
    batches = ShuffledBatches(batch, targets, sample_weight, recipe.batch_size, rng)
    model.compile(
        optimizer=_optimizer(recipe, n_steps=recipe.n_epochs * len(batches)),
        loss=loss,
        weighted_metrics=list(metrics),
    )
    history = model.fit(
        batches,
        epochs=recipe.n_epochs,
        shuffle=False,
        callbacks=[*_callbacks(recipe), *callbacks],
        verbose=0,
    )
    return {name: [float(value) for value in values] for name, values in history.history.items()}


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


class ShuffledBatches(keras.utils.PyDataset):
    """Batches of the training set in an order that is drawn anew for each epoch."""

    def __init__(
        self,
        batch: np.ndarray,
        targets: np.ndarray,
        sample_weight: np.ndarray,
        batch_size: int,
        rng: np.random.Generator,
    ):
        super().__init__()
        self._arrays = (batch, targets, sample_weight)
        self._batch_size = batch_size
        self._rng = rng
        self._order = rng.permutation(len(batch))

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        cases = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        return tuple(array[cases] for array in self._arrays)

    def on_epoch_end(self) -> None:
        """Draw the next epoch's order."""
        self._order = self._rng.permutation(len(self._order))


def _optimizer(recipe: Recipe, n_steps: int) -> keras.optimizers.Optimizer:
    learning_rate = recipe.learning_rate
    if recipe.schedule == "cosine":
        warm_up = max(1, round(WARM_UP * n_steps))
        learning_rate = keras.optimizers.schedules.CosineDecay(
            0.0, max(1, n_steps - warm_up), warmup_target=recipe.learning_rate, warmup_steps=warm_up
        )
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(learning_rate, weight_decay=recipe.weight_decay)
    return keras.optimizers.Adam(learning_rate)


def _callbacks(recipe: Recipe) -> Iterator[keras.callbacks.Callback]:
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
