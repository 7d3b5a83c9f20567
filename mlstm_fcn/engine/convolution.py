"""Formulations of a convolution, of which an engine takes the one that is fastest on its device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops


def ungrouped(kernel: Any, groups: int) -> Any:
    """The kernel of a grouped convolution as one over all channels, zero between different groups.

    With eight groups this took half the time of a matrix product for each group on a CPU.
    """
    *size, width, filters = kernel.shape
    same = np.kron(np.eye(groups, dtype="float32"), np.ones((width, filters // groups), "float32"))
    return ops.tile(kernel, (*(1 for _ in size), groups, 1)) * ops.cast(same, kernel.dtype)


def in_rows(series: Any, kernel: Any, dilation: int, conv: Callable[[Any, Any], Any]) -> Any:
    """A dilated convolution with `"same"` padding as an undilated one over rows of `dilation` steps.

    In rows of `dilation` steps the elements of a dilated kernel stand in one column, so a reshape takes the
    place of TensorFlow's copies of every phase of the series (`benchmarks/dilation.py`).

    Args:
        series: `(batch, time, channels)`.
        kernel: `(size, channels / groups, filters)`.
        dilation: Steps between the elements of the kernel.
        conv: Valid convolution of `(batch, rows, columns, channels)` with `(size, 1, channels, filters)`.

    Returns:
        `(batch, time, filters)`.
    """
    size, _, filters = kernel.shape
    channels = series.shape[-1]
    span, time = dilation * (size - 1), ops.shape(series)[1]
    n_rows = (time + span + dilation - 1) // dilation  # not of a negative number: ONNX rounds it differently
    before = span // 2
    series = ops.pad(series, [(0, 0), (before, n_rows * dilation - time - before), (0, 0)])
    rows = ops.reshape(series, (-1, n_rows, dilation, channels))
    columns = conv(rows, ops.expand_dims(kernel, 1))
    return ops.reshape(columns, (-1, (n_rows - size + 1) * dilation, filters))[:, :time]
