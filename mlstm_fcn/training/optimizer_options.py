"""Which optimizers and schedules there are, and which of their options fit together."""

from __future__ import annotations

from typing import Any

from mlstm_fcn._checks import require, require_choice

_ADAPTIVE = ("adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "nadam")
OPTIMIZERS = (*_ADAPTIVE, "ftrl", "lamb", "lion", "rmsprop", "sgd")
SCHEDULES = ("cosine", "plateau", "constant")


def require_optimizer(optimizer: Any, learning_rate: Any, schedule: Any, weight_decay: Any) -> None:
    """Check the options of a recipe's optimizer, by name or as an object.

    Raises:
        ValueError: If a name is unknown, a value is out of its range, or the optimizer has no such option.
    """
    if isinstance(optimizer, str):
        require_choice("optimizer", optimizer, OPTIMIZERS)
    good = learning_rate is None or learning_rate > 0
    require(good, "`learning_rate` must be positive.", learning_rate=learning_rate)
    require_choice("schedule", schedule, SCHEDULES)
    adamw = isinstance(optimizer, str) and optimizer == "adamw"
    shown = {"weight_decay": weight_decay, "optimizer": optimizer}
    require(weight_decay is None or adamw, "`weight_decay` requires `optimizer='adamw'`.", **shown)
    good = weight_decay is None or weight_decay >= 0
    require(good, "`weight_decay` must not be negative.", weight_decay=weight_decay)
