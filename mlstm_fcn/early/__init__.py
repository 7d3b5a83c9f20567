"""Early classification: answer before a series ends, once the answer is sure enough."""

from mlstm_fcn.early.classifier import EarlyClassifier as EarlyClassifier
from mlstm_fcn.early.model import Answer as Answer
from mlstm_fcn.early.model import EarlyModel as EarlyModel
from mlstm_fcn.early.model import Stream as Stream
from mlstm_fcn.early.model import load as load
from mlstm_fcn.early.rule import StoppingRule as StoppingRule
from mlstm_fcn.early.rule import harmonic_mean as harmonic_mean

__all__ = ["Answer", "EarlyClassifier", "EarlyModel", "StoppingRule", "Stream", "harmonic_mean", "load"]
