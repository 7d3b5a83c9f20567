"""What every classifier shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sktime.classification.base import BaseClassifier

from mlstm_fcn._checks import require
from mlstm_fcn.estimators.base import NetworkEstimator

if TYPE_CHECKING:
    import keras


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkClassifier(ClassifierMixin, NetworkEstimator, BaseClassifier, BaseEstimator):
    """A network with one softmax output for each class."""

    _tags: ClassVar[dict[str, Any]] = {"capability:predict_proba": True}

    score = ClassifierMixin.score  # unlike sktime's it takes sample weights

    def _fit(self, X: np.ndarray, y: np.ndarray) -> NetworkClassifier:
        import keras

        codes = np.searchsorted(self.classes_, y)
        recipe = self._recipe()
        self._fit_network(
            X,
            targets=np.eye(self.n_classes_, dtype=np.float32)[codes],
            sample_weight=compute_sample_weight(recipe.class_weight, y).astype(np.float32),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
            metrics=["accuracy"],
        )
        return self

    def _predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities of shape `(cases, classes)`, in the order of `classes_`; rows sum to 1."""
        probabilities = self._outputs(X).astype(np.float64)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def _predict(self, X: np.ndarray) -> np.ndarray:
        return self.classes_[self._predict_proba(X).argmax(axis=1)]

    def _fitted_values(self) -> dict[str, Any]:
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
        self.classes_ = np.array(labels, dtype=values["dtype"])
        self.n_classes_ = len(labels)
        self._class_dictionary = {label: index for index, label in enumerate(self.classes_)}
        super()._set_fitted_values(model, values)
