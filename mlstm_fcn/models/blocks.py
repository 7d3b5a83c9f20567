"""Blocks that networks are put together from: functions from tensor to tensor.

Every block takes the series as `(batch, time, channels)` and, where lengths differ, a mask of shape
`(batch, time)` that is true at valid steps, or None. A block reads invalid steps as zeros, as they are beyond
the end of a series that stands alone, so that padding changes nothing; what it gives there means nothing.
"""

import keras
from keras import ops

from mlstm_fcn.layers import ConvNorm1D, SqueezeExcite1D
from mlstm_fcn.layers.pooling import max_over_time

POOLS = ("average", "max", "flatten")


def zero_invalid(series, mask):
    """Put zeros at the steps that are not valid."""
    return series if mask is None else ops.where(ops.expand_dims(mask, -1), series, 0.0)


def conv_block(series, mask, *, filters, kernel_size, momentum, number):
    """Convolution over time, batch normalisation over valid steps, ReLU (Wang et al. 2017)."""
    series = ConvNorm1D(filters, kernel_size, momentum=momentum, name=f"conv_{number}")(series, mask=mask)
    return keras.layers.ReLU(name=f"relu_{number}")(series)


def squeeze_excite(series, mask, *, reduction, squeeze, gate, number):
    """Squeeze-and-excitation (Hu et al. 2018)."""
    layer = SqueezeExcite1D(reduction, squeeze=squeeze, gate=gate, name=f"squeeze_excite_{number}")
    return layer(series, mask=mask)


def pool(series, mask, how):
    """Summarise time: `"average"`, `"max"`, or `"flatten"` for series of one fixed length."""
    if how == "average":
        return keras.layers.GlobalAveragePooling1D(name="average")(series, mask=mask)
    if how == "max":
        return max_over_time(series, mask)
    return keras.layers.Flatten(name="flatten")(zero_invalid(series, mask))
