"""Estimators for sktime and scikit-learn."""

from mlstm_fcn.estimators.mlstm_fcn import MLSTMFCNClassifier as MLSTMFCNClassifier

__all__ = ["MLSTMFCNClassifier"]
