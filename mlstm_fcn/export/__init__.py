"""Export a trained model to SavedModel, ONNX, LiteRT or OpenVINO, and check it against Keras.

`load` imports neither Keras nor TensorFlow. `export` imports both when it is first used.
"""

from typing import TYPE_CHECKING

from mlstm_fcn.export.artifact import Artifact as Artifact
from mlstm_fcn.export.artifact import load as load
from mlstm_fcn.export.formats import FORMATS as FORMATS

if TYPE_CHECKING:
    from mlstm_fcn.export.writing import export as export

__all__ = ["FORMATS", "Artifact", "export", "load"]


def __getattr__(name: str) -> object:
    if name == "export":
        from mlstm_fcn.export.writing import export

        return export
    raise AttributeError(f"module 'mlstm_fcn.export' has no attribute {name!r}")
