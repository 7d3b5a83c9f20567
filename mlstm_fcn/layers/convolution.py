"""Convolution over time, with strides, dilation and groups, on every backend."""

from itertools import groupby

import numpy as np
from keras import ops

from mlstm_fcn import _tensorflow


def convolve(series, kernel, strides=1, dilation=1):
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
        if dilation > 1 and _tensorflow.is_backend():
            return _in_columns(series, kernel, dilation)
        return _conv(series, kernel, padding="same", dilation_rate=dilation)
    span = dilation * (size - 1)
    series = ops.pad(series, [(0, 0), (span // 2, span - span // 2), (0, 0)])
    if not depthwise:
        return _conv(series, kernel, strides=strides, padding="valid")
    kernel = ops.transpose(kernel, (0, 2, 1))
    return ops.depthwise_conv(series, kernel, strides, padding="valid", dilation_rate=dilation)


def convolve_in_parts(series, kernel, strides, dilations):
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


def _in_columns(series, kernel, dilation):
    """A dilated convolution as a plain one over the columns of rows of `dilation` steps.

    From `(batch, time, channels)` to `(batch, time, filters)`. On CPUs TensorFlow copies every phase of the
    series for a dilated convolution (`benchmarks/dilation.py`); here a reshape takes the place of the copies.
    """
    size, _, filters = kernel.shape
    channels = series.shape[-1]
    span, time = dilation * (size - 1), ops.shape(series)[1]
    n_rows = (time + span + dilation - 1) // dilation  # not of a negative number: ONNX rounds it differently
    before = span // 2
    series = ops.pad(series, [(0, 0), (before, n_rows * dilation - time - before), (0, 0)])
    rows = ops.reshape(series, (-1, n_rows, dilation, channels))
    columns = _conv(rows, ops.expand_dims(kernel, 1), padding="valid")
    return ops.reshape(columns, (-1, (n_rows - size + 1) * dilation, filters))[:, :time]


def _conv(series, kernel, **options):
    """Keras' convolution over one or two axes, grouped if the kernel has fewer channels than the series.

    TensorFlow has no gradient of a grouped convolution on CPUs, so that of the ungrouped one takes its place.
    """
    groups = series.shape[-1] // kernel.shape[-2]
    if groups == 1:
        return ops.conv(series, kernel, **options)

    def ungrouped(series, kernel):
        return ops.conv(series, _ungrouped(kernel, groups), **options)

    if not _tensorflow.is_backend():
        return ungrouped(series, kernel)
    return _tensorflow.grouped_conv(series, kernel, ungrouped, **options)


def _ungrouped(kernel, groups):
    """The ungrouped kernel, which is zero between channels and filters of different groups.

    It multiplies by zeros, but one matrix product per group took twice the time with eight groups.
    """
    *size, width, filters = kernel.shape
    same = np.kron(np.eye(groups, dtype="float32"), np.ones((width, filters // groups), "float32"))
    return ops.tile(kernel, (*(1 for _ in size), groups, 1)) * ops.cast(same, kernel.dtype)
