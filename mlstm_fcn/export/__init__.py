"""One trained model as SavedModel, ONNX, LiteRT or OpenVINO, compared with Keras before it is kept."""

from mlstm_fcn.export.artifact import Artifact as Artifact
from mlstm_fcn.export.artifact import export as export
from mlstm_fcn.export.artifact import load as load
from mlstm_fcn.export.copying import RECURRENT as RECURRENT
from mlstm_fcn.export.copying import export_copy as export_copy
from mlstm_fcn.export.formats import FORMATS as FORMATS

__all__ = ["FORMATS", "RECURRENT", "Artifact", "export", "export_copy", "load"]
