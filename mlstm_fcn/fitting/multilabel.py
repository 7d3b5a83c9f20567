"""Classification with several labels a case, as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.fitting.labels import indicator
from mlstm_fcn.fitting.task import ClassWeight
from mlstm_fcn.training.recipes import Recipe

_THRESHOLD = 0.5


@dataclass(frozen=True)
class MultiLabel:
    """A sigmoid output for each label; a case has any number of labels. See `Task`.

    Attributes:
        thresholds: The probability from which a case has a label, for each label, in [0, 1].
    """

    thresholds: tuple[float, ...]

    activation: ClassVar[str] = "sigmoid"
    metrics: ClassVar[tuple[str, ...]] = ("binary_accuracy",)
    stratified: ClassVar[bool] = False
    keeps_unit: ClassVar[bool] = False
    unit: ClassVar[tuple[float, float]] = (1.0, 0.0)

    @classmethod
    def learn(cls, y: Any) -> MultiLabel:
        """The labels are the columns of a matrix of 0 and 1, `(cases, labels)`; thresholds are 0.5."""
        return cls((_THRESHOLD,) * indicator(y).shape[1])

    @classmethod
    def of(cls, thresholds: Sequence[float]) -> MultiLabel:
        """The task of some thresholds; errors as of `deciding_at`."""
        return cls((_THRESHOLD,) * len(thresholds)).deciding_at(thresholds)

    @property
    def labels(self) -> np.ndarray:
        """The numbers of the columns of `y`."""
        return np.arange(self.n_outputs)

    @property
    def classes(self) -> np.ndarray:
        """Absent and present, for each label, `(labels, 2)`, as scikit-learn's scorers and folds take it."""
        return np.tile([0, 1], (self.n_outputs, 1))

    @property
    def n_outputs(self) -> int:
        """Number of labels."""
        return len(self.thresholds)

    def deciding_at(self, thresholds: float | Sequence[float]) -> MultiLabel:
        """The same with other thresholds: one for all labels, or one for each.

        Raises:
            ValueError: If their number differs, or one is not in [0, 1].
        """
        values = np.asarray(thresholds, dtype=np.float64)
        fits = values.shape in ((), (self.n_outputs,)) and bool(((values >= 0) & (values <= 1)).all())
        rule = f"`thresholds` must be a number in [0, 1], or one for each of {self.n_outputs} labels."
        require(fits, rule, thresholds=thresholds)
        return replace(self, thresholds=tuple(np.broadcast_to(values, self.n_outputs).tolist()))

    def read(self, y: Any) -> np.ndarray:
        """Targets of a user as a matrix of 0 and 1.

        Raises:
            ValueError: If they are another matrix.
        """
        matrix = indicator(y)
        rule = f"`y` must have a column for each of {self.n_outputs} labels, as in fit."
        require(matrix.shape[1] == self.n_outputs, rule, shape=matrix.shape)
        return matrix

    def loss(self, recipe: Recipe) -> Any:
        """Binary cross-entropy with label smoothing, unless the recipe has a loss."""
        import keras

        return recipe.loss or keras.losses.BinaryCrossentropy(label_smoothing=recipe.label_smoothing)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """The matrix as float32; errors as of `read`."""
        return self.read(y).astype(np.float32)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """A matrix of 0 and 1, `(cases, labels)`."""
        return (outputs >= np.asarray(self.thresholds, dtype=outputs.dtype)).astype(np.int64)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """The probability of each label, float64 `(cases, labels)`."""
        return outputs.astype(np.float64)

    def sample_weights(self, y: np.ndarray, class_weight: ClassWeight) -> np.ndarray:
        """Equal weights; weights of classes are an error."""
        rule = (
            "`class_weight` weights classes that exclude each other, and these cases have several labels: "
            "set `class_weight=None`, and give `sample_weight` to weight cases."
        )
        received = dict(class_weight) if isinstance(class_weight, Mapping) else class_weight
        require(class_weight is None, rule, class_weight=received)
        return np.ones(len(y))

    def suits(self, y: Any) -> bool:
        """Whether they have as many columns; each case may happen to have one label."""
        return np.shape(y)[1:] == (self.n_outputs,)

    def require_same(self, y: Any) -> None:
        """Check that targets have as many labels; errors as of `read`."""
        self.read(y)

    def to_plain(self) -> dict[str, Any]:
        """Labels and thresholds."""
        numbers = self.labels
        return {
            "classes": numbers.tolist(),
            "dtype": numbers.dtype.str,
            "thresholds": list(self.thresholds),
        }
