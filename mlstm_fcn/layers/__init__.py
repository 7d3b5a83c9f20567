"""Keras layers on `(batch, time, channels)`; each one takes a mask of valid steps."""

from mlstm_fcn.layers.attention_lstm import AttentionLSTM as AttentionLSTM
from mlstm_fcn.layers.squeeze_excite import SqueezeExcite1D as SqueezeExcite1D

__all__ = ["AttentionLSTM", "SqueezeExcite1D"]
