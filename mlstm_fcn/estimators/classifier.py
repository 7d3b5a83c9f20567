"""What every classifier shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sktime.classification.base import BaseClassifier

from mlstm_fcn._checks import require
from mlstm_fcn.estimators.base import NetworkEstimator
from mlstm_fcn.estimators.call import FitCall
from mlstm_fcn.estimators.saving import require_plain
from mlstm_fcn.training.recipes import Recipe

if TYPE_CHECKING:
    import keras

    from mlstm_fcn.estimators.fitting import Task


@dataclass(kw_only=True, eq=False, repr=False)
class BaseNetworkClassifier(ClassifierMixin, NetworkEstimator, BaseClassifier, BaseEstimator):
    """A network with one softmax output for each class.

    Parameters:
        class_weight: Weight of each class in the loss: a dictionary by label, or `"balanced"`; None for
            the preset's, which is balanced in the paper and equal by default.
        label_smoothing: Share of a class target that is spread over all classes, in [0, 1); None for the
            preset's. Of the cross-entropy that is the loss if none is given; any other has its own.
    """

    class_weight: dict[Any, float] | Literal["balanced"] | None = None
    label_smoothing: float | None = None

    _tags: ClassVar[dict[str, Any]] = {
        "capability:predict_proba": True,
        "capability:class_weight": True,
    }

    score = ClassifierMixin.score  # unlike sktime's it takes sample weights

    def _check_labels(self, y: Any, labels: Any) -> None:
        rule = "With warm_start the labels must be those of before."
        require(np.unique(y).tolist() == labels.tolist(), rule, before=labels.tolist())

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """Train for one epoch more, at a constant learning rate; the first time, after `fit`'s preparation.

        Args:
            X: As in `fit`.
            y: As in `fit`.
            sample_weight: As in `fit`.
            classes: In the first call, all the labels that will ever come; None for those of `y`.

        Returns:
            This estimator.

        Raises:
            ValueError: As `fit`; if a label or the network differs from before.
        """
        return self._fit_one_epoch(X, y, FitCall(sample_weight, classes=classes))

    def _learn_targets(self, y: np.ndarray, call: FitCall) -> None:
        self._set_labels(np.unique(y if call.classes is None else call.classes))

    def _set_labels(self, labels: np.ndarray) -> None:
        self.classes_, self.n_classes_ = labels, len(labels)
        self._class_dictionary = {label: index for index, label in enumerate(labels)}

    def _task(self) -> Task:
        import keras

        from mlstm_fcn.estimators.fitting import Task

        smoothing = self._recipe().label_smoothing
        rule = "`label_smoothing` is of the loss that is used if none is given; give it to the loss instead."
        given = {"label_smoothing": self.label_smoothing, "loss": self.loss}
        require(not (self.label_smoothing and self.loss), rule, **given)
        loss = self.loss or keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
        return Task(self.n_classes_, "softmax", loss, ("accuracy",), stratified=True)

    def _targets(self, y: np.ndarray) -> np.ndarray:
        unknown = sorted(set(np.unique(y)) - set(self.classes_))
        require(
            not unknown,
            f"Labels must be among those of fit: {', '.join(map(str, self.classes_))}.",
            y=unknown,
        )
        return np.eye(self.n_classes_, dtype=np.float32)[np.searchsorted(self.classes_, y)]

    def _weights(self, y: np.ndarray, recipe: Recipe) -> np.ndarray:
        weight = recipe.class_weight
        if isinstance(weight, Mapping):
            missing = sorted(set(self.classes_) - set(weight))
            require(not missing, "`class_weight` must have a weight for each label.", without_one=missing)
            weight = {label: weight[label] for label in self.classes_}
            good = all(np.isfinite(one) and one >= 0 for one in weight.values()) and any(weight.values())
            rule = "`class_weight` must be finite numbers, not negative and not all zero."
            require(good, rule, class_weight=weight)
        return compute_sample_weight(weight, y)

    def _predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities of shape `(cases, classes)`, in the order of `classes_`; rows sum to 1."""
        probabilities = self._outputs(X).astype(np.float64)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def _predict(self, X: np.ndarray) -> np.ndarray:
        return self.classes_[self._predict_proba(X).argmax(axis=1)]

    def _fitted_values(self) -> dict[str, Any]:
        require_plain(self.classes_)
        return {
            **super()._fitted_values(),
            "classes": self.classes_.tolist(),
            "dtype": self.classes_.dtype.str,
        }

    def _set_fitted_values(self, model: keras.Model, values: dict[str, Any]) -> None:
        labels, outputs = values["classes"], model.output_shape[-1]
        require(
            len(labels) == outputs, "There must be a label for each output.", labels=labels, outputs=outputs
        )
        self._set_labels(np.array(labels, dtype=values["dtype"]))
        super()._set_fitted_values(model, values)
