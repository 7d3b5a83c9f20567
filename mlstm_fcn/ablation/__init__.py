"""Ablations of the networks and of the recipe, among them those of SENet, for series.

`NETWORKS` holds the axes that compare networks, `RECIPES` those that compare trainings, `AXES` both. `study`
trains the variants and appends each result to a file; `summary` turns the results into a table.
"""

import mlstm_fcn.engine.start  # noqa: F401  (first, since it imports Keras quietly)

# isort: split
from mlstm_fcn.ablation.axes import AXES as AXES
from mlstm_fcn.ablation.axes import NETWORKS as NETWORKS
from mlstm_fcn.ablation.axes import RECIPES as RECIPES
from mlstm_fcn.ablation.axes import START as START
from mlstm_fcn.ablation.axes import Variant as Variant
from mlstm_fcn.ablation.study import Run as Run
from mlstm_fcn.ablation.study import read_runs as read_runs
from mlstm_fcn.ablation.study import study as study
from mlstm_fcn.ablation.table import plot as plot
from mlstm_fcn.ablation.table import summary as summary
from mlstm_fcn.ablation.table import write_summary as write_summary

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
