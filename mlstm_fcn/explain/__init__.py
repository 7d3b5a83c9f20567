"""What a fitted estimator looks at.

`asking` changes the series and looks at the answers, of any estimator; `reading` looks into the network.
"""

from mlstm_fcn.explain.asking import occlusion as occlusion
from mlstm_fcn.explain.asking import permutation_importance as permutation_importance
from mlstm_fcn.explain.reading import attention as attention
from mlstm_fcn.explain.reading import class_activation_map as class_activation_map
from mlstm_fcn.explain.reading import gates as gates
from mlstm_fcn.explain.reading import kernel_shares as kernel_shares

__all__ = [
    "attention",
    "class_activation_map",
    "gates",
    "kernel_shares",
    "occlusion",
    "permutation_importance",
]
