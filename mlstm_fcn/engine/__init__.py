"""How steps and predictions are compiled and run: the only folder that names a backend or a device."""

from mlstm_fcn.engine.protocol import Engine as Engine
from mlstm_fcn.engine.protocol import Figures as Figures
from mlstm_fcn.engine.protocol import Program as Program
from mlstm_fcn.engine.protocol import Source as Source
from mlstm_fcn.engine.selection import current as current

__all__ = ["Engine", "Figures", "Program", "Source", "current"]
