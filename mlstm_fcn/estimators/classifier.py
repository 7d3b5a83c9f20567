"""What every classifier shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sktime.classification.base import BaseClassifier

from mlstm_fcn._case_order import in_case_order
from mlstm_fcn._options import FROM_RECIPE, FromRecipe
from mlstm_fcn.estimators.base import NetworkEstimator

if TYPE_CHECKING:
    from mlstm_fcn.fitting import FittedNetwork


@dataclass(kw_only=True, eq=False, repr=False)
class BaseNetworkClassifier(ClassifierMixin, NetworkEstimator, BaseClassifier, BaseEstimator):
    """A network with one softmax output for each class; of several labels a case, a sigmoid for each.

    Parameters:
        class_weight: Weight of each class in the loss: a dictionary by label, `"balanced"`, or None for equal
            weights. `"recipe"`: equal, or balanced with the paper's.

    Attributes:
        classes_: The labels, sorted, in the type they came in. Of several a case, `[0, 1]` for each.
        thresholds_: Of several labels a case, the probability from which it has each; 0.5, and can be set.
    """

    class_weight: dict[Any, float] | Literal["balanced"] | FromRecipe | None = FROM_RECIPE

    _tags: ClassVar[dict[str, Any]] = {
        "capability:predict_proba": True,
        "capability:class_weight": True,
    }

    _task_type: ClassVar[str] = "Classification"
    thresholds_: ClassVar[Any] = property(
        lambda self: self.fitted_.task.thresholds,
        lambda self, new: self._adopt(self.fitted_.deciding_at(new)),
    )

    @in_case_order
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of cases whose class is predicted, or all of whose labels are; takes sample weights."""
        from mlstm_fcn.fitting.labels import from_one_hot

        read = self.fitted_.task.read if hasattr(self, "fitted_") else from_one_hot
        return ClassifierMixin.score(self, X, read(y), sample_weight)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None, classes: Any = None) -> Any:
        """As for every estimator; `classes`, in the first call, are all labels that will ever come."""
        return self._fit_one_epoch(X, y, sample_weight, classes)

    def _adopt(self, fitted: FittedNetwork) -> NetworkEstimator:
        task: Any = fitted.task
        self.classes_, self.n_classes_ = task.classes, task.n_outputs
        self._class_dictionary = {label: index for index, label in enumerate(task.labels)}
        return super()._adopt(fitted)

    def _predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities `(cases, classes)`, in the order of `classes_`; rows of classes sum to 1."""
        return self._require_network("predict_proba").predict_proba(X)
