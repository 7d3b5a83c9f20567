"""Blocks that networks are put together from: functions from tensor to tensor.

Every block takes the series as `(batch, time, channels)` and, where lengths differ, a mask of shape
`(batch, time)` that is true at valid steps, or None. A block reads invalid steps as zeros, as they are beyond
the end of a series that stands alone, so that padding changes nothing; what it gives there means nothing.
"""

import keras
from keras import ops

from mlstm_fcn.layers import AppendDifferences, ConvNorm1D, ResampleTime, SelectiveKernel1D, SqueezeExcite1D
from mlstm_fcn.layers.pooling import max_over_time

POOLS = ("average", "max", "flatten")


def zero_invalid(series, mask):
    """Put zeros at the steps that are not valid."""
    return series if mask is None else ops.where(ops.expand_dims(mask, -1), series, 0.0)


def with_differences(series, mask, *, config):
    """The series, and beside it what its steps differ by: twice the channels."""
    layer = AppendDifferences(config.batch_norm_momentum, name="conv_differences")
    return layer(zero_invalid(series, mask), mask=mask)


def strided_mask(mask, strides):
    """The mask of what a block gives that goes over the series in strides."""
    return mask if mask is None or strides == 1 else mask[:, ::strides]


def conv_norm(series, mask, *, filters, kernel_size, config, name, **options):
    """Convolution over time, batch normalisation over valid steps; without an activation."""
    layer = ConvNorm1D(filters, kernel_size, momentum=config.batch_norm_momentum, name=name, **options)
    return layer(series, mask=mask)


def conv_block(series, mask, *, filters, kernel_size, config, name, activation="relu", **options):
    """The same with an activation (Wang et al. 2017)."""
    options = {"filters": filters, "kernel_size": kernel_size, "config": config, **options}
    series = conv_norm(series, mask, name=f"conv_{name}", **options)
    return keras.layers.Activation(activation, name=f"{activation}_{name}")(series)


def selective_kernel(series, mask, *, filters, kernel_size, branches, config, name, **options):
    """Selective kernel convolution (Li et al. 2019), which ends in its activation."""
    layer = SelectiveKernel1D(
        filters,
        kernel_size,
        branches,
        momentum=config.batch_norm_momentum,
        name=f"selective_kernel_{name}",
        **options,
    )
    return layer(series, mask=mask)


def squeeze_excite(series, mask, *, config, name, reduction=None):
    """Squeeze-and-excitation (Hu et al. 2018); its ratio is the config's, unless another one is given."""
    options = {"squeeze": config.squeeze, "gate": config.gate, "name": f"squeeze_excite_{name}"}
    return SqueezeExcite1D(reduction or config.reduction, **options)(series, mask=mask)


def max_pool(series, mask, *, size, strides, name):
    """The maximum of some steps around each, or of those from each on where none is in two of them.

    The padding is explicit, since Keras places the steps by the length of the series. It repeats the first
    and the last step, and steps that are not valid are as low as a valid one: neither changes a maximum, and
    all numbers are finite, which runtimes of other formats want.
    """
    if mask is not None:
        valid = ops.expand_dims(mask, -1)
        lowest = ops.min(ops.where(valid, series, series[:, :1]), axis=1, keepdims=True)
        series = ops.where(valid, series, lowest)
    before = 0 if strides == size else (size - 1) // 2
    first, last = series[:, :1], series[:, -1:]
    series = ops.concatenate([first] * before + [series] + [last] * (size - 1 - before), axis=1)
    highest = keras.layers.MaxPooling1D(size, strides, padding="valid", name=name)(series)
    return zero_invalid(highest, strided_mask(mask, strides))


def resample(series, mask, factor):
    """Series as many times as long, and their mask."""
    longer = ResampleTime(factor, name="resample")(series, mask=mask)
    if mask is not None:
        steps = ops.expand_dims(ops.cast(mask, "float32"), -1)
        mask = ops.squeeze(ResampleTime(factor, name="resample_mask")(steps), -1) > 0
    return longer, mask


def pool(series, mask, how):
    """Summarise time: `"average"`, `"max"`, or `"flatten"` for series of one fixed length."""
    if how == "average":
        return keras.layers.GlobalAveragePooling1D(name="average")(series, mask=mask)
    if how == "max":
        return max_over_time(series, mask)
    return keras.layers.Flatten(name="flatten")(zero_invalid(series, mask))
