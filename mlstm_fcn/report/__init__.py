"""Pages about a classifier and about a decision: self-contained HTML, with pictures (extra `plot`)."""

from mlstm_fcn.report.case import write_case as write_case
from mlstm_fcn.report.evaluation import write_evaluation as write_evaluation

__all__ = ["write_case", "write_evaluation"]
