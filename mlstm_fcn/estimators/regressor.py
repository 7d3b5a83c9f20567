"""What every regressor shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sktime.regression.base import BaseRegressor

from mlstm_fcn.estimators.base import NetworkEstimator


@dataclass(kw_only=True, eq=False, repr=False)
class BaseNetworkRegressor(RegressorMixin, NetworkEstimator, BaseRegressor, BaseEstimator):
    """A network with one linear output, trained on standardised targets."""

    _task_type: ClassVar[str] = "Regression"
    score = RegressorMixin.score  # unlike sktime's it takes sample weights

    def _predict(self, X: Any) -> np.ndarray:
        return self.fitted_.task.decode(self._outputs(X))
