"""What every regressor shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sktime.regression.base import BaseRegressor

from mlstm_fcn._checks import require
from mlstm_fcn.estimators.base import NetworkEstimator
from mlstm_fcn.estimators.call import FitCall
from mlstm_fcn.preprocess import warn_of_coarse_targets

if TYPE_CHECKING:
    import keras

    from mlstm_fcn.estimators.fitting import Task


@dataclass(kw_only=True, eq=False, repr=False)
class BaseNetworkRegressor(RegressorMixin, NetworkEstimator, BaseRegressor, BaseEstimator):
    """A network with one linear output, trained on standardised targets."""

    score = RegressorMixin.score  # unlike sktime's it takes sample weights

    def _learn_targets(self, y: np.ndarray, call: FitCall) -> None:
        values = _finite(y)
        if call.start is None:
            warn_of_coarse_targets(values)
            mean, std = float(values.mean()), float(values.std())
            constant = std <= np.finfo(np.float64).eps * abs(mean)  # but for rounding
            self._target_mean, self._target_std = mean, 1.0 if constant else std
        else:  # going on in the unit that the network knows
            from mlstm_fcn.models.pipeline import split

            _, _, (self._target_std, self._target_mean) = split(call.start)

    def _task(self) -> Task:
        from mlstm_fcn.estimators.fitting import Task

        unit = (self._target_std, self._target_mean)
        return Task(1, "linear", self.loss or "mean_squared_error", (), stratified=False, unit=unit)

    def _targets(self, y: np.ndarray) -> np.ndarray:
        scaled = (_finite(y) - self._target_mean) / self._target_std
        return scaled.astype(np.float32)[:, None]

    def _predict(self, X: np.ndarray) -> np.ndarray:
        return self._outputs(X)[:, 0].astype(np.float64)

    def _fitted_values(self) -> dict[str, Any]:
        return {
            **super()._fitted_values(),
            "target_mean": self._target_mean,
            "target_std": self._target_std,
        }

    def _set_fitted_values(self, model: keras.Model, values: dict[str, Any]) -> None:
        self._target_mean, self._target_std = float(values["target_mean"]), float(values["target_std"])
        super()._set_fitted_values(model, values)


def _finite(y: np.ndarray) -> np.ndarray:
    values = np.asarray(y, dtype=np.float64)
    require(bool(np.isfinite(values).all()), "Every target must be a finite number.")
    return values
