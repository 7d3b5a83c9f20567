"""What every classifier shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sktime.classification.base import BaseClassifier

from mlstm_fcn._checks import require
from mlstm_fcn._options import NOT_GIVEN, NotGiven
from mlstm_fcn.estimators.base import NetworkEstimator

if TYPE_CHECKING:
    from mlstm_fcn.fitting import Classification, FittedNetwork


@dataclass(kw_only=True, eq=False, repr=False)
class BaseNetworkClassifier(ClassifierMixin, NetworkEstimator, BaseClassifier, BaseEstimator):
    """A network with one softmax output for each class.

    Parameters:
        class_weight: Weight of each class in the loss: a dictionary by label, `"balanced"`, or None for equal
            weights. If it is not given, the recipe decides: balanced in the paper's, equal by default.
    """

    class_weight: dict[Any, float] | Literal["balanced"] | NotGiven | None = NOT_GIVEN

    _tags: ClassVar[dict[str, Any]] = {
        "capability:predict_proba": True,
        "capability:class_weight": True,
    }

    score = ClassifierMixin.score  # unlike sktime's it takes sample weights

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """As `NetworkEstimator.partial_fit`.

        Args:
            X: As in `fit`.
            y: As in `fit`.
            sample_weight: As in `fit`.
            classes: In the first call, all labels that will ever come; None: those of `y`.

        Returns:
            This estimator.

        Raises:
            ValueError: As `fit`; if a label or the network differs from before.
        """
        return self._fit_one_epoch(X, y, sample_weight, classes)

    def _learn_task(self, y: np.ndarray) -> Classification:
        from mlstm_fcn.fitting import Classification

        return Classification.learn(y)

    def _require_same_targets(self, y: Any, task: Any) -> None:
        rule = "With `warm_start` the labels must be those of the last fit."
        require(np.unique(y).tolist() == task.labels.tolist(), rule, before=task.labels.tolist())

    def _adopt(self, fitted: FittedNetwork) -> NetworkEstimator:
        labels: np.ndarray = fitted.task.labels  # type: ignore[attr-defined]
        self.classes_, self.n_classes_ = labels, len(labels)
        self._class_dictionary = {label: index for index, label in enumerate(labels)}
        return super()._adopt(fitted)

    def _predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of shape `(cases, classes)`, in the order of `classes_`; rows sum to 1."""
        probabilities: np.ndarray = self.fitted_.task.probabilities(self._outputs(X))
        return probabilities

    def _predict(self, X: Any) -> np.ndarray:
        return self.classes_[self._predict_proba(X).argmax(axis=1)]
