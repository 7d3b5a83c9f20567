"""What the outputs of a network are for, and classification as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from mlstm_fcn._checks import require
from mlstm_fcn.fitting.labels import from_one_hot, require_classes
from mlstm_fcn.fitting.targets import one_column
from mlstm_fcn.training.recipes import Recipe

LABEL_KINDS = "biufUO"
"""NumPy's kinds of labels that JSON can hold."""

Numbers = float | tuple[float, ...]
"""One number, or one for each output."""

ClassWeight = Literal["balanced"] | Mapping[Any, float] | None


class Task(Protocol):
    """What a network is trained for.

    Attributes:
        n_outputs: Number of outputs.
        activation: Their activation, a name that Keras knows.
        metrics: Figures to report in addition to the loss.
        stratified: Whether a validation split keeps the shares of the targets.
        unit: Factor and offset from the network's outputs to the unit of the data.
        keeps_unit: Whether outputs have a unit, which continued training keeps.
    """

    @property
    def activation(self) -> str: ...

    @property
    def metrics(self) -> tuple[str, ...]: ...

    @property
    def stratified(self) -> bool: ...

    @property
    def keeps_unit(self) -> bool: ...

    @property
    def n_outputs(self) -> int: ...

    @property
    def unit(self) -> tuple[Numbers, Numbers]: ...

    def read(self, y: Any) -> np.ndarray:
        """Targets of a user as an array that `encode` takes."""
        ...

    def loss(self, recipe: Recipe) -> Any:
        """What training minimises."""
        ...

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Targets in the form of the outputs, float32 `(cases, outputs)`."""
        ...

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Predictions `(cases,)` or `(cases, outputs)` from outputs in the unit of the data."""
        ...

    def sample_weights(self, y: np.ndarray, class_weight: ClassWeight) -> np.ndarray:
        """Weights of the cases, `(cases,)`."""
        ...

    def suits(self, y: Any) -> bool:
        """Whether a network that is tuned to targets keeps this task; otherwise it learns another."""
        ...

    def require_same(self, y: Any) -> None:
        """Raise if a warm start cannot continue with targets like these."""
        ...

    def to_plain(self) -> dict[str, Any]:
        """The task as values that JSON can hold; `fitting.archive` has the reverse."""
        ...


@dataclass(frozen=True, eq=False)
class Classification:
    """One softmax output for each class. See `Task`.

    Attributes:
        labels: The classes in the order of the outputs, sorted, in the type they came in.
    """

    labels: np.ndarray

    activation: ClassVar[str] = "softmax"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy",)
    stratified: ClassVar[bool] = True
    keeps_unit: ClassVar[bool] = False
    unit: ClassVar[tuple[float, float]] = (1.0, 0.0)

    @classmethod
    def learn(cls, y: np.ndarray) -> Classification:
        """The classes of targets; it is a ValueError if they look like numbers to predict."""
        require_classes(np.asarray(y))
        return cls(np.unique(y))

    @property
    def classes(self) -> np.ndarray:
        """The labels."""
        return self.labels

    @property
    def n_outputs(self) -> int:
        """Number of classes."""
        return len(self.labels)

    def read(self, y: Any) -> np.ndarray:
        """Labels, also of one-hot rows, as an array.

        Raises:
            ValueError: If there are several a case, or one-hot rows lack the column of a class.
        """
        labels = from_one_hot(y)
        if labels is not y and not hasattr(y, "columns") and self.labels.dtype.kind in "iu":
            rule = "One-hot `y` must have the columns of fit, also those of classes that do not occur."
            require(np.shape(y)[1] > self.labels.max(), rule, columns=np.shape(y)[1], classes=self.labels)
        return one_column(labels)

    def loss(self, recipe: Recipe) -> Any:
        """Cross-entropy with label smoothing, unless the recipe has a loss."""
        import keras

        return recipe.loss or keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """One-hot rows.

        Raises:
            ValueError: If a label is unknown.
        """
        unknown = sorted(set(np.unique(y)) - set(self.labels))
        known = ", ".join(map(str, self.labels))
        require(not unknown, f"Labels must be among those of fit: {known}.", y=unknown)
        return np.eye(self.n_outputs, dtype=np.float32)[np.searchsorted(self.labels, y)]

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """The most probable labels."""
        return self.labels[outputs.argmax(axis=1)]

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs as float64 rows that sum to 1."""
        probabilities = outputs.astype(np.float64)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def sample_weights(self, y: np.ndarray, class_weight: ClassWeight) -> np.ndarray:
        """The weight of each case's class.

        Raises:
            ValueError: If a label has no weight, or weights are negative, not finite or all zero.
        """
        if isinstance(class_weight, Mapping):
            missing = sorted(set(self.labels) - set(class_weight))
            require(not missing, "`class_weight` must have a weight for each label.", without_one=missing)
            class_weight = {label: class_weight[label] for label in self.labels}
            values = list(class_weight.values())
            good = all(np.isfinite(one) and one >= 0 for one in values) and any(values)
            rule = "`class_weight` must be finite numbers, not negative and not all zero."
            require(good, rule, class_weight=class_weight)
        weights: np.ndarray = compute_sample_weight(class_weight, y)
        return weights

    def suits(self, y: Any) -> bool:
        """No: the classes may be others."""
        return False

    def require_same(self, y: Any) -> None:
        """Check labels; it is a ValueError if they are not all labels of this task."""
        labels = self.labels.tolist()
        rule = "With `warm_start` the labels must be those of the last fit, and so must `classes`."
        require(np.unique(y).tolist() == labels, rule, before=labels)

    def to_plain(self) -> dict[str, Any]:
        """Labels and their type.

        Raises:
            ValueError: If labels are neither numbers nor strings.
        """
        rule = "Labels must be numbers or strings to be written to a file without pickle."
        require(self.labels.dtype.kind in LABEL_KINDS, rule, labels=self.labels[:3].tolist())
        return {"classes": self.labels.tolist(), "dtype": self.labels.dtype.str}
