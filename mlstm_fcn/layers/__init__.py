"""Keras layers for series `(batch, time, channels)`; masks of valid steps are passed as tensors."""

import mlstm_fcn.engine.start  # noqa: F401  (first, since it imports Keras quietly)

# isort: split
from mlstm_fcn.layers.attention_lstm import AttentionLSTM as AttentionLSTM
from mlstm_fcn.layers.conv_norm import ConvNorm1D as ConvNorm1D
from mlstm_fcn.layers.differences import AppendDifferences as AppendDifferences
from mlstm_fcn.layers.minirocket import MiniRocket1D as MiniRocket1D
from mlstm_fcn.layers.missing import FillMissing as FillMissing
from mlstm_fcn.layers.resample import ResampleTime as ResampleTime
from mlstm_fcn.layers.scaling import StandardizeChannels as StandardizeChannels
from mlstm_fcn.layers.scaling import StandardizeSeries as StandardizeSeries
from mlstm_fcn.layers.selective_kernel import SelectiveKernel1D as SelectiveKernel1D
from mlstm_fcn.layers.squeeze_excite import SqueezeExcite1D as SqueezeExcite1D
from mlstm_fcn.layers.temperature import Temperature as Temperature
from mlstm_fcn.layers.vote import WeightedVote as WeightedVote

__all__ = [
    "AppendDifferences",
    "AttentionLSTM",
    "ConvNorm1D",
    "FillMissing",
    "MiniRocket1D",
    "ResampleTime",
    "SelectiveKernel1D",
    "SqueezeExcite1D",
    "StandardizeChannels",
    "StandardizeSeries",
    "Temperature",
    "WeightedVote",
]
