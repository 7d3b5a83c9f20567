"""Convolution over time, with strides, dilation and groups, on every backend."""

import numpy as np
from keras import ops


def convolve(series, kernel, strides=1, dilation=1):
    """Convolution whose steps do not depend on the length of the series.

    Step `t` of the output is centred at step `strides * t` of the input, whatever the length; beyond its
    ends the series is zero. (Keras' `padding="same"` places the steps by the length, if it strides.)

    Args:
        series: Tensor of shape `(batch, time, channels)`.
        kernel: Tensor of shape `(size, channels / groups, filters)`, from which the number of groups follows.
        strides: Steps between the centres.
        dilation: Steps between the elements of the kernel.

    Returns:
        Tensor of shape `(batch, ceil(time / strides), filters)`.
    """
    if strides > 1 and dilation > 1:  # TensorFlow has no convolution with both
        return convolve(series, kernel, dilation=dilation)[:, ::strides]
    size, width, filters = kernel.shape
    groups = series.shape[-1] // width
    depthwise = groups > 1 and groups == filters == series.shape[-1]
    if groups > 1 and not depthwise:
        kernel = _ungrouped(kernel, groups)
    if strides == 1 and not depthwise:
        return ops.conv(series, kernel, padding="same", dilation_rate=dilation)
    span = dilation * (size - 1)
    series = ops.pad(series, [(0, 0), (span // 2, span - span // 2), (0, 0)])
    if not depthwise:
        return ops.conv(series, kernel, strides=strides, padding="valid")
    kernel = ops.transpose(kernel, (0, 2, 1))
    return ops.depthwise_conv(series, kernel, strides, padding="valid", dilation_rate=dilation)


def _ungrouped(kernel, groups):
    """The kernel that is zero between channels and filters of different groups.

    It multiplies by zeros, but TensorFlow has no gradient of a grouped convolution on CPUs, and a matrix
    product for each group took twice the time with eight groups.
    """
    width, filters = kernel.shape[1:]
    same = np.kron(np.eye(groups, dtype="float32"), np.ones((width, filters // groups), "float32"))
    return ops.tile(kernel, (1, groups, 1)) * ops.cast(same, kernel.dtype)
