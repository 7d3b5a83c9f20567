"""Convolution over time, with strides, dilation and groups, on every backend."""

from collections.abc import Sequence
from itertools import groupby

from keras import ops

from mlstm_fcn import engine
from mlstm_fcn.layers.tensor import Tensor


def convolve(series: Tensor, kernel: Tensor, strides: int = 1, dilation: int = 1) -> Tensor:
    """Convolution whose alignment does not depend on the length of the series.

    Step `t` of the output is centred at step `strides * t` of the input. Beyond its ends the series is zero.
    (Keras' `padding="same"` with strides aligns the output by the length.)

    Args:
        series: Tensor of shape `(batch, time, channels)`.
        kernel: Tensor of shape `(size, channels / groups, filters)`, which determines the number of groups.
        strides: Stride in steps.
        dilation: Dilation in steps.

    Returns:
        Tensor of shape `(batch, ceil(time / strides), filters)`.
    """
    if strides > 1 and dilation > 1:  # TensorFlow does not support both at once
        return convolve(series, kernel, dilation=dilation)[:, ::strides]
    size, width, filters = kernel.shape
    if strides > 1 and size == 1:  # subsampled first: oneDNN's strided gradient corrupts memory
        return convolve(series[:, ::strides], kernel)
    groups = series.shape[-1] // width
    depthwise = groups > 1 and groups == filters == series.shape[-1]
    if strides == 1 and not depthwise:
        return engine.current().conv(series, kernel, padding="same", dilation_rate=dilation)
    span = dilation * (size - 1)
    series = ops.pad(series, [(0, 0), (span // 2, span - span // 2), (0, 0)])
    if not depthwise:
        return engine.current().conv(series, kernel, strides=strides)
    kernel = ops.transpose(kernel, (0, 2, 1))
    return ops.depthwise_conv(series, kernel, strides, padding="valid", dilation_rate=dilation)


def convolve_in_parts(series: Tensor, kernel: Tensor, strides: int, dilations: Sequence[int]) -> Tensor:
    """Convolution with several dilations, among which the filters are divided evenly, in order.

    Like `convolve`, with at most as many dilations as filters, and with one dilation if there are groups.
    """
    if len(dilations) == 1:
        return convolve(series, kernel, strides, *dilations)
    filters, parts, start = kernel.shape[2], [], 0
    of_filter = [dilations[number * len(dilations) // filters] for number in range(filters)]
    for dilation, same in groupby(of_filter):
        end = start + len(list(same))
        parts.append(convolve(series, kernel[:, :, start:end], strides, dilation))
        start = end
    return ops.concatenate(parts, axis=-1)
