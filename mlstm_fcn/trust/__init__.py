"""How far the answers of a classifier can be trusted."""

from mlstm_fcn.trust.calibration import calibrate as calibrate
from mlstm_fcn.trust.calibration import temperature as temperature
from mlstm_fcn.trust.division import held_back as held_back
from mlstm_fcn.trust.likeness import remember as remember
from mlstm_fcn.trust.likeness import remembers as remembers
from mlstm_fcn.trust.likeness import unlikeness as unlikeness
from mlstm_fcn.trust.metrics import calibration_error as calibration_error
from mlstm_fcn.trust.metrics import scores as scores

__all__ = [
    "calibrate",
    "calibration_error",
    "held_back",
    "remember",
    "remembers",
    "scores",
    "temperature",
    "unlikeness",
]
