"""What every classifier shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sktime.classification.base import BaseClassifier

from mlstm_fcn._options import FROM_RECIPE, FromRecipe
from mlstm_fcn.estimators.base import NetworkEstimator

if TYPE_CHECKING:
    from mlstm_fcn.fitting import FittedNetwork


@dataclass(kw_only=True, eq=False, repr=False)
class BaseNetworkClassifier(ClassifierMixin, NetworkEstimator, BaseClassifier, BaseEstimator):
    """A network with one softmax output for each class.

    Parameters:
        class_weight: Weight of each class in the loss: a dictionary by label, `"balanced"`, or None for equal
            weights. `"recipe"`: equal, or balanced with the paper's.

    Attributes:
        classes_: The labels, sorted, in the type they came in.
    """

    class_weight: dict[Any, float] | Literal["balanced"] | FromRecipe | None = FROM_RECIPE

    _tags: ClassVar[dict[str, Any]] = {
        "capability:predict_proba": True,
        "capability:class_weight": True,
    }

    _task_type: ClassVar[str] = "Classification"

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of cases whose class is predicted; unlike sktime's it takes sample weights."""
        from mlstm_fcn.fitting.labels import from_one_hot

        return float(ClassifierMixin.score(self, X, from_one_hot(y), sample_weight))

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """As for every estimator; `classes`, in the first call, are all labels that will ever come."""
        return self._fit_one_epoch(X, y, sample_weight, classes)

    def _adopt(self, fitted: FittedNetwork) -> NetworkEstimator:
        labels: np.ndarray = fitted.task.labels  # type: ignore[attr-defined]
        self.classes_, self.n_classes_ = labels, len(labels)
        self._class_dictionary = {label: index for index, label in enumerate(labels)}
        return super()._adopt(fitted)

    def _predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of shape `(cases, classes)`, in the order of `classes_`; rows sum to 1."""
        return self._require_network("predict_proba").predict_proba(X)
