"""Fitting as values: cases, a task, a network spec, a recipe and an input policy give a fitted network.

Nothing in this folder knows an estimator.
"""

import mlstm_fcn.engine.start  # noqa: F401  (first, since it imports Keras quietly)

# isort: split
from mlstm_fcn.fitting.assembly import Interrupted as Interrupted
from mlstm_fcn.fitting.cases import Cases as Cases
from mlstm_fcn.fitting.fit import fit as fit
from mlstm_fcn.fitting.fitted import FittedNetwork as FittedNetwork
from mlstm_fcn.fitting.inputs import InputPolicy as InputPolicy
from mlstm_fcn.fitting.multilabel import MultiLabel as MultiLabel
from mlstm_fcn.fitting.network import NetworkSpec as NetworkSpec
from mlstm_fcn.fitting.regression import Regression as Regression
from mlstm_fcn.fitting.rng import RngSpec as RngSpec
from mlstm_fcn.fitting.task import Classification as Classification
from mlstm_fcn.fitting.task import Task as Task

__all__ = [
    "Cases",
    "Classification",
    "FittedNetwork",
    "InputPolicy",
    "Interrupted",
    "MultiLabel",
    "NetworkSpec",
    "Regression",
    "RngSpec",
    "Task",
    "fit",
]
