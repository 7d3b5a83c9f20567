"""Optimizer and learning rates of a recipe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.training.recipes import Recipe

WARM_UP = 0.1
PLATEAU_EPOCHS = 100


def optimizer_of(recipe: Recipe) -> keras.optimizers.Optimizer:
    """A new optimizer as the recipe says; an optimizer object of the recipe is copied."""
    settings: dict[str, Any] = {}
    if recipe.learning_rate is not None:
        settings["learning_rate"] = recipe.learning_rate
    if recipe.average_weights is not None:
        settings |= {"use_ema": True, "ema_momentum": recipe.average_weights}
    if not isinstance(recipe.optimizer, str):
        return type(recipe.optimizer).from_config({**recipe.optimizer.get_config(), **settings})
    if recipe.weight_decay is not None:
        settings["weight_decay"] = recipe.weight_decay
    return keras.optimizers.get({"class_name": str(recipe.optimizer), "config": settings})


def learning_rates(
    recipe: Recipe, optimizer: keras.optimizers.Optimizer, n_epochs: int, n_steps: int
) -> np.ndarray | None:
    """The learning rate of each step, `(n_epochs, n_steps)`; None where the optimizer's own stays.

    As a schedule inside the compiled step it would be computed again for each weight, which takes seconds to
    compile.

    Raises:
        ValueError: If the optimizer has a schedule of its own, and the recipe another.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # within the one that scales float16 losses
    own = isinstance(inner.get_config()["learning_rate"], dict)
    rule = "An optimizer with its own learning rate schedule requires `schedule='constant'`."
    require(not own or recipe.schedule == "constant", rule, schedule=recipe.schedule)
    if recipe.schedule != "cosine":
        return None
    return rate_of(optimizer) * warm_up_and_cosine(n_epochs * n_steps).reshape(n_epochs, n_steps)


def rate_of(optimizer: keras.optimizers.Optimizer) -> float:
    """The learning rate as it is now, wherever the optimizer's variables are."""
    return float(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(optimizer.learning_rate)))


def warm_up_and_cosine(n_steps: int) -> np.ndarray:
    """Learning rate of each step as a share of the highest: linear warm-up, then half a cosine."""
    steps = np.arange(n_steps)
    warm_up = max(1, round(WARM_UP * n_steps))
    falling = 0.5 * (1 + np.cos(np.pi * (steps - warm_up) / max(1, n_steps - warm_up)))
    return np.where(steps < warm_up, (steps + 1) / warm_up, falling)


def plateau(recipe: Recipe, highest: float) -> Iterator[keras.callbacks.Callback]:
    """The callback of `schedule="plateau"`, if that is the recipe's."""
    if recipe.schedule == "plateau":
        yield keras.callbacks.ReduceLROnPlateau(
            monitor="loss", factor=2 ** (-1 / 3), patience=PLATEAU_EPOCHS, min_lr=highest / 10
        )
