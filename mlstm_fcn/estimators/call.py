"""What one call of fit was given, beside the parameters of the estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

ONE_EPOCH = {
    "n_epochs": 1,
    "schedule": "constant",
    "validation_split": 0.0,
    "patience": None,
    "keep_best": False,
}


@dataclass(frozen=True)
class FitCall:
    """What a call of fit was given beside X and y.

    Attributes:
        sample_weight: A weight for each case, or None.
        X_val: Validation series, or None.
        y_val: Their targets.
        start: A model whose weights and scaling training starts from, or None.
        freeze: Beginnings of the names of layers that training does not change.
        changes: What is different from the estimator's recipe.
        history: Figures of the epochs before.
    """

    sample_weight: Any = None
    X_val: Any = None
    y_val: Any = None
    start: keras.Model | None = None
    freeze: Sequence[str] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, list[float]] = field(default_factory=dict)
