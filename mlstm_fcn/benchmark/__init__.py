"""Benchmarks on archives: data sets, estimators and resamples to a folder of results, and a report of it."""

from mlstm_fcn.benchmark.estimators import NamedEstimator as NamedEstimator
from mlstm_fcn.benchmark.estimators import named as named
from mlstm_fcn.benchmark.folder import Folder as Folder
from mlstm_fcn.benchmark.plan import Plan as Plan
from mlstm_fcn.benchmark.plan import estimated_seconds as estimated_seconds
from mlstm_fcn.benchmark.plan import make_plan as make_plan
from mlstm_fcn.benchmark.process import Limits as Limits
from mlstm_fcn.benchmark.result import Case as Case
from mlstm_fcn.benchmark.result import Failure as Failure
from mlstm_fcn.benchmark.result import Result as Result
from mlstm_fcn.benchmark.running import carry_out as carry_out
from mlstm_fcn.benchmark.running import run as run
from mlstm_fcn.benchmark.tsml import read as read

__all__ = [
    "Case",
    "Failure",
    "Folder",
    "Limits",
    "NamedEstimator",
    "Plan",
    "Result",
    "carry_out",
    "estimated_seconds",
    "make_plan",
    "named",
    "read",
    "run",
]
