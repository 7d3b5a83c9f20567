"""What each part of a network is worth: SENet's ablations, and more, for series.

`AXES` says which networks are compared, `study` trains them and keeps the result of every training as it
comes, `summary` makes the table of it.
"""

from mlstm_fcn.ablation.axes import AXES, Variant
from mlstm_fcn.ablation.study import Run, read_runs, study
from mlstm_fcn.ablation.table import plot, summary, write_summary

__all__ = ["AXES", "Run", "Variant", "plot", "read_runs", "study", "summary", "write_summary"]
