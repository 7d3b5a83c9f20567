"""Benchmarks on archives: fit estimators to resamples of data sets, store the results, report them."""

from mlstm_fcn.benchmark.comparison import Comparison as Comparison
from mlstm_fcn.benchmark.comparison import compare as compare
from mlstm_fcn.benchmark.estimators import NamedEstimator as NamedEstimator
from mlstm_fcn.benchmark.estimators import resolve as resolve
from mlstm_fcn.benchmark.folder import Folder as Folder
from mlstm_fcn.benchmark.plan import Plan as Plan
from mlstm_fcn.benchmark.plan import estimated_seconds as estimated_seconds
from mlstm_fcn.benchmark.plan import make_plan as make_plan
from mlstm_fcn.benchmark.preflight import require_ready as require_ready
from mlstm_fcn.benchmark.process import Limits as Limits
from mlstm_fcn.benchmark.reporting import write_report as write_report
from mlstm_fcn.benchmark.result import Failure as Failure
from mlstm_fcn.benchmark.result import Result as Result
from mlstm_fcn.benchmark.result import RunKey as RunKey
from mlstm_fcn.benchmark.running import execute as execute
from mlstm_fcn.benchmark.running import run as run
from mlstm_fcn.benchmark.tsml import read as read

__all__ = [
    "Comparison",
    "Failure",
    "Folder",
    "Limits",
    "NamedEstimator",
    "Plan",
    "Result",
    "RunKey",
    "compare",
    "estimated_seconds",
    "execute",
    "make_plan",
    "read",
    "require_ready",
    "resolve",
    "run",
    "write_report",
]
