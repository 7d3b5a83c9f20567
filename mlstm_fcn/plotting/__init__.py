"""Pictures of a fit, of a decision and of a network, with matplotlib (`pip install 'mlstm-fcn[plot]'`).

A function returns the axes that it has drawn in: one `matplotlib.axes.Axes`, or an array with one for each
panel. Its `ax` is None for a new figure, as wide as a column of a paper; or axes of your figure, whose place
several panels divide; or an axes for each panel. Colours follow matplotlib's settings, on light and on dark
backgrounds: `plt.style.use("dark_background")`. A display keeps the numbers, and draws them with `plot`.
"""

import mlstm_fcn.engine.start  # noqa: F401  (first, since it imports Keras quietly)

# isort: split
from mlstm_fcn.plotting.curves import LearningCurvesDisplay as LearningCurvesDisplay
from mlstm_fcn.plotting.curves import learning_curves as learning_curves
from mlstm_fcn.plotting.decision import SeriesDisplay as SeriesDisplay
from mlstm_fcn.plotting.decision import class_activation_map as class_activation_map
from mlstm_fcn.plotting.decision import explain as explain
from mlstm_fcn.plotting.decision import occlusion as occlusion
from mlstm_fcn.plotting.diagram import NetworkDisplay as NetworkDisplay
from mlstm_fcn.plotting.diagram import network as network
from mlstm_fcn.plotting.inside import AttentionDisplay as AttentionDisplay
from mlstm_fcn.plotting.inside import GatesDisplay as GatesDisplay
from mlstm_fcn.plotting.inside import KernelSharesDisplay as KernelSharesDisplay
from mlstm_fcn.plotting.inside import attention as attention
from mlstm_fcn.plotting.inside import gates as gates
from mlstm_fcn.plotting.inside import kernel_shares as kernel_shares
from mlstm_fcn.plotting.scores import ImportanceDisplay as ImportanceDisplay
from mlstm_fcn.plotting.scores import LengthDisplay as LengthDisplay
from mlstm_fcn.plotting.scores import accuracy_by_length as accuracy_by_length
from mlstm_fcn.plotting.scores import calibration as calibration
from mlstm_fcn.plotting.scores import confusion_matrix as confusion_matrix
from mlstm_fcn.plotting.scores import permutation_importance as permutation_importance

__all__ = [
    "AttentionDisplay",
    "GatesDisplay",
    "ImportanceDisplay",
    "KernelSharesDisplay",
    "LearningCurvesDisplay",
    "LengthDisplay",
    "NetworkDisplay",
    "SeriesDisplay",
    "accuracy_by_length",
    "attention",
    "calibration",
    "class_activation_map",
    "confusion_matrix",
    "explain",
    "gates",
    "kernel_shares",
    "learning_curves",
    "network",
    "occlusion",
    "permutation_importance",
]
