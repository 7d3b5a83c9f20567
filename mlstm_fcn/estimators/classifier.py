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

    def get_fitted_state(self) -> dict[str, Any]:
        """As every estimator's, with the labels."""
        state = super().get_fitted_state()
        return {**state, "classes": self.classes_.tolist(), "dtype": self.classes_.dtype.str}

    @classmethod
    def from_fitted_state(cls, model: keras.Model, state: dict[str, Any]) -> NetworkClassifier:
        """As every estimator's, with the labels."""
        labels, n_outputs = state.get("classes", []), model.output_shape[-1]
        require(
            len(labels) == n_outputs,
            "There must be a label for each output.",
            labels=labels,
            outputs=n_outputs,
        )
        classifier = super().from_fitted_state(model, state)
        classifier.classes_ = np.array(labels, dtype=state.get("dtype"))
        classifier.n_classes_ = len(labels)
        classifier._class_dictionary = {label: index for index, label in enumerate(classifier.classes_)}
        return classifier
