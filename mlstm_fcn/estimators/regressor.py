"""What every regressor shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sklearn.base import BaseEstimator, RegressorMixin
from sktime.regression.base import BaseRegressor

from mlstm_fcn._case_order import in_case_order
from mlstm_fcn.estimators.base import NetworkEstimator


@dataclass(kw_only=True, eq=False, repr=False)
class BaseNetworkRegressor(RegressorMixin, NetworkEstimator, BaseRegressor, BaseEstimator):
    """A network with a linear output for each target, trained on standardised targets."""

    _task_type: ClassVar[str] = "Regression"
    score = in_case_order(RegressorMixin.score)  # unlike sktime's it takes sample weights
