"""MLSTM-FCN in Keras: multivariate time-series classification for sktime and scikit-learn.

Names are loaded when they are first used: importing the package imports neither Keras nor TensorFlow.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from wrapt import register_post_import_hook

if TYPE_CHECKING:
    from mlstm_fcn import ablation as ablation
    from mlstm_fcn import benchmark as benchmark
    from mlstm_fcn import datasets as datasets
    from mlstm_fcn import early as early
    from mlstm_fcn import explain as explain
    from mlstm_fcn import export as export
    from mlstm_fcn import fitting as fitting
    from mlstm_fcn import layers as layers
    from mlstm_fcn import models as models
    from mlstm_fcn import plotting as plotting
    from mlstm_fcn import report as report
    from mlstm_fcn import trust as trust
    from mlstm_fcn.engine.options import Engine as Engine
    from mlstm_fcn.estimators import MLSTMFCNClassifier as MLSTMFCNClassifier
    from mlstm_fcn.estimators import MLSTMFCNRegressor as MLSTMFCNRegressor
    from mlstm_fcn.estimators import NetworkClassifier as NetworkClassifier
    from mlstm_fcn.estimators import NetworkRegressor as NetworkRegressor
    from mlstm_fcn.training.recipes import Recipe as Recipe

    __version__: str

_PLACES = {
    "Engine": "engine.options",
    "MLSTMFCNClassifier": "estimators",
    "MLSTMFCNRegressor": "estimators",
    "NetworkClassifier": "estimators",
    "NetworkRegressor": "estimators",
    "Recipe": "training.recipes",
}
_MODULES = (
    "ablation",
    "benchmark",
    "datasets",
    "early",
    "explain",
    "export",
    "fitting",
    "layers",
    "models",
    "plotting",
    "report",
    "trust",
)

__all__ = [
    "Engine",
    "MLSTMFCNClassifier",
    "MLSTMFCNRegressor",
    "NetworkClassifier",
    "NetworkRegressor",
    "Recipe",
    "__version__",
    "ablation",
    "benchmark",
    "datasets",
    "early",
    "explain",
    "export",
    "fitting",
    "layers",
    "models",
    "plotting",
    "report",
    "trust",
]

# So that Keras knows the layers in a saved model: once Keras is imported, if it ever is.
register_post_import_hook(lambda keras: import_module("mlstm_fcn.layers"), "keras")


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("mlstm-fcn")
    if name in _MODULES:
        return import_module(f"mlstm_fcn.{name}")
    if name in _PLACES:
        return getattr(import_module(f"mlstm_fcn.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'mlstm_fcn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
