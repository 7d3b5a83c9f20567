"""What a fitted estimator looks at.

Occlusion and permutation importance change the series and look at the answers, of any estimator; the others
look into the network.
"""

from mlstm_fcn.explain.activations import attention as attention
from mlstm_fcn.explain.activations import class_activation_map as class_activation_map
from mlstm_fcn.explain.activations import gates as gates
from mlstm_fcn.explain.activations import kernel_shares as kernel_shares
from mlstm_fcn.explain.by_gradient import gradients as gradients
from mlstm_fcn.explain.by_gradient import integrated_gradients as integrated_gradients
from mlstm_fcn.explain.perturbation import occlusion as occlusion
from mlstm_fcn.explain.perturbation import permutation_importance as permutation_importance

__all__ = [
    "attention",
    "class_activation_map",
    "gates",
    "gradients",
    "integrated_gradients",
    "kernel_shares",
    "occlusion",
    "permutation_importance",
]
