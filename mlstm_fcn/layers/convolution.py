"""Convolution over time, with strides, dilation and groups, on every backend."""

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
    size, width, filters = kernel.shape
    groups = series.shape[-1] // width
    if groups == 1 and strides == 1:
        return ops.conv(series, kernel, padding="same", dilation_rate=dilation)
    span = dilation * (size - 1)
    series = ops.pad(series, [(0, 0), (span // 2, span - span // 2), (0, 0)])
    both = strides > 1 and dilation > 1  # TensorFlow has no convolution with both
    if groups == 1 and not both:
        return ops.conv(series, kernel, strides=strides, padding="valid", dilation_rate=dilation)
    if width == 1 and filters == groups and not both:
        kernel = ops.transpose(kernel, (0, 2, 1))
        return ops.depthwise_conv(series, kernel, strides, padding="valid", dilation_rate=dilation)
    return _grouped(series, kernel, groups, span, strides, dilation)


def _grouped(series, kernel, groups, span, strides, dilation):
    """As one matrix product for each group: TensorFlow has no grouped convolution with a gradient on CPUs."""
    size, width, filters = kernel.shape
    time = ops.shape(series)[1] - span
    taps = [series[:, tap * dilation : tap * dilation + time : strides] for tap in range(size)]
    taps = ops.stack([ops.reshape(tap, (-1, ops.shape(tap)[1], groups, width)) for tap in taps], axis=2)
    kernel = ops.reshape(kernel, (size, width, groups, filters // groups))
    output = ops.einsum("btkgi,kigo->btgo", taps, kernel)
    return ops.reshape(output, (-1, ops.shape(output)[1], filters))
