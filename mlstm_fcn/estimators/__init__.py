"""Estimators for sktime and scikit-learn."""

from mlstm_fcn.estimators.base import NetworkEstimator as NetworkEstimator
from mlstm_fcn.estimators.contract import NotFittedError as NotFittedError
from mlstm_fcn.estimators.mlstm_fcn import MLSTMFCNClassifier as MLSTMFCNClassifier
from mlstm_fcn.estimators.mlstm_fcn import MLSTMFCNRegressor as MLSTMFCNRegressor
from mlstm_fcn.estimators.network import NetworkClassifier as NetworkClassifier
from mlstm_fcn.estimators.network import NetworkRegressor as NetworkRegressor

__all__ = [
    "MLSTMFCNClassifier",
    "MLSTMFCNRegressor",
    "NetworkClassifier",
    "NetworkEstimator",
    "NetworkRegressor",
    "NotFittedError",
]
