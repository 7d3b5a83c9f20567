"""Export a trained model to SavedModel, ONNX, LiteRT or OpenVINO, and check it against Keras.

`load` imports neither Keras nor TensorFlow; `export` and `export_fitted` are imported when first used.
"""

from typing import TYPE_CHECKING

from mlstm_fcn.export.artifact import Artifact as Artifact
from mlstm_fcn.export.artifact import load as load
from mlstm_fcn.export.formats import FORMATS as FORMATS

if TYPE_CHECKING:
    from mlstm_fcn.export.fitted import export_fitted as export_fitted
    from mlstm_fcn.export.writing import export as export

__all__ = ["FORMATS", "Artifact", "export", "export_fitted", "load"]


def __getattr__(name: str) -> object:
    if name == "export":
        from mlstm_fcn.export.writing import export

        return export
    if name == "export_fitted":
        from mlstm_fcn.export.fitted import export_fitted

        return export_fitted
    raise AttributeError(f"module 'mlstm_fcn.export' has no attribute {name!r}")
