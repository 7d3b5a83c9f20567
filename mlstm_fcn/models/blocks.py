"""The blocks of the networks: functions from tensor to tensor.

Every block takes the series, `(batch, time, channels)`, and a mask, `(batch, time)` and true at valid steps,
or None if all steps are valid. A block reads invalid steps as zeros, like the steps beyond the end of an
unpadded series, so padding does not change the result. The outputs at invalid steps are arbitrary.
"""

from typing import Any

import keras
from keras import ops

from mlstm_fcn.layers import AppendDifferences, ConvNorm1D, ResampleTime, SelectiveKernel1D, SqueezeExcite1D
from mlstm_fcn.layers.pooling import max_over_time
from mlstm_fcn.layers.tensor import Tensor

POOLS = ("average", "max", "flatten")


def zero_invalid(series: Tensor, mask: Tensor | None) -> Tensor:
    """Set invalid steps to zero."""
    return series if mask is None else ops.where(ops.expand_dims(mask, -1), series, 0.0)


def with_differences(series: Tensor, mask: Tensor | None, *, config: Any) -> Tensor:
    """The series and its first differences, concatenated: twice the channels."""
    layer = AppendDifferences(config.batch_norm_momentum, name="conv_differences")
    return layer(zero_invalid(series, mask), mask=mask)


def strided_mask(mask: Tensor | None, strides: int) -> Tensor | None:
    """The mask of the output of a strided block."""
    return mask if mask is None or strides == 1 else mask[:, ::strides]


def conv_norm(
    series: Tensor,
    mask: Tensor | None,
    *,
    filters: int,
    kernel_size: int,
    config: Any,
    name: str,
    **options: Any,
) -> Tensor:
    """Convolution over time and batch normalisation over valid steps, without an activation."""
    layer = ConvNorm1D(filters, kernel_size, momentum=config.batch_norm_momentum, name=name, **options)
    return layer(series, mask=mask)


def conv_block(
    series: Tensor,
    mask: Tensor | None,
    *,
    filters: int,
    kernel_size: int,
    config: Any,
    name: str,
    activation: str = "relu",
    **options: Any,
) -> Tensor:
    """Convolution, batch normalisation and an activation (Wang et al. 2017)."""
    options = {"filters": filters, "kernel_size": kernel_size, "config": config, **options}
    series = conv_norm(series, mask, name=f"conv_{name}", **options)
    return keras.layers.Activation(activation, name=f"{activation}_{name}")(series)


def selective_kernel(
    series: Tensor,
    mask: Tensor | None,
    *,
    filters: int,
    kernel_size: int,
    branches: int,
    config: Any,
    name: str,
    **options: Any,
) -> Tensor:
    """Selective kernel convolution (Li et al. 2019); its activation is included."""
    layer = SelectiveKernel1D(
        filters,
        kernel_size,
        branches,
        momentum=config.batch_norm_momentum,
        name=f"selective_kernel_{name}",
        **options,
    )
    return layer(series, mask=mask)


def squeeze_excite(
    series: Tensor,
    mask: Tensor | None,
    *,
    config: Any,
    name: str,
    reduction: int | None = None,
) -> Tensor:
    """Squeeze-and-excitation (Hu et al. 2018), with the config's reduction ratio if none is given."""
    options = {"squeeze": config.squeeze, "gate": config.gate, "name": f"squeeze_excite_{name}"}
    return SqueezeExcite1D(reduction or config.reduction, **options)(series, mask=mask)


def max_pool(series: Tensor, mask: Tensor | None, *, size: int, strides: int, name: str) -> Tensor:
    """Max pooling over windows centred at each step or, if they do not overlap, beginning at each stride.

    The padding is explicit, since Keras aligns its windows by the length of the series. It repeats the first
    and the last step, and invalid steps get the minimum of the valid ones. Neither changes a maximum, and all
    numbers stay finite, as other runtimes require.
    """
    if mask is not None:
        valid = ops.expand_dims(mask, -1)
        minimum = ops.min(ops.where(valid, series, series[:, :1]), axis=1, keepdims=True)
        series = ops.where(valid, series, minimum)
    before = 0 if strides == size else (size - 1) // 2
    first, last = series[:, :1], series[:, -1:]
    series = ops.concatenate([first] * before + [series] + [last] * (size - 1 - before), axis=1)
    pooled = keras.layers.MaxPooling1D(size, strides, padding="valid", name=name)(series)
    return zero_invalid(pooled, strided_mask(mask, strides))


def resample(series: Tensor, mask: Tensor | None, factor: float) -> tuple[Tensor, Tensor | None]:
    """Resample series to `factor` times their length; returns them and their mask."""
    resampled = ResampleTime(factor, name="resample")(series, mask=mask)
    if mask is not None:
        valid = ops.expand_dims(ops.cast(mask, "float32"), -1)
        mask = ops.squeeze(ResampleTime(factor, name="resample_mask")(valid), -1) > 0
    return resampled, mask


def pool(series: Tensor, mask: Tensor | None, head: str) -> Tensor:
    """Pool over time: `"average"`, `"max"`, or `"flatten"` for series of one fixed length."""
    if head == "average":
        return keras.layers.GlobalAveragePooling1D(name="average")(series, mask=mask)
    if head == "max":
        return max_over_time(series, mask)
    return keras.layers.Flatten(name="flatten")(zero_invalid(series, mask))
