"""What each part of a network and of its training is worth: SENet's ablations, and more, for series.

`NETWORKS` says which networks are compared, `RECIPES` which trainings, `AXES` is both. `study` trains them,
and keeps the result of every training as it comes; `summary` makes the table of it.
"""

from mlstm_fcn.ablation.axes import AXES, NETWORKS, RECIPES, START, Variant
from mlstm_fcn.ablation.study import Run, read_runs, study
from mlstm_fcn.ablation.table import plot, summary, write_summary

__all__ = [
    "AXES",
    "NETWORKS",
    "RECIPES",
    "START",
    "Run",
    "Variant",
    "plot",
    "read_runs",
    "study",
    "summary",
    "write_summary",
]
