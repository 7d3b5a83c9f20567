"""Estimators for sktime and scikit-learn."""

from mlstm_fcn.estimators.base import NetworkEstimator as NetworkEstimator
from mlstm_fcn.estimators.contract import NotFittedError as NotFittedError
from mlstm_fcn.estimators.mlstm_fcn import MLSTMFCNClassifier as MLSTMFCNClassifier

__all__ = ["MLSTMFCNClassifier", "NetworkEstimator", "NotFittedError"]
