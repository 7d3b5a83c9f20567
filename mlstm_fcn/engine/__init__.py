"""How steps and predictions are compiled and run: the only folder that names a backend or a device."""

from mlstm_fcn.engine.forks import lost_in_fork as lost_in_fork
from mlstm_fcn.engine.options import AUTO as AUTO
from mlstm_fcn.engine.options import Engine as Engine
from mlstm_fcn.engine.options import Precision as Precision
from mlstm_fcn.engine.protocol import Backend as Backend
from mlstm_fcn.engine.protocol import Figures as Figures
from mlstm_fcn.engine.protocol import Program as Program
from mlstm_fcn.engine.protocol import Source as Source
from mlstm_fcn.engine.selection import current as current
from mlstm_fcn.engine.selection import ready as ready

__all__ = [
    "AUTO",
    "Backend",
    "Engine",
    "Figures",
    "Precision",
    "Program",
    "Source",
    "current",
    "lost_in_fork",
    "ready",
]
