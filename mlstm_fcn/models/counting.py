"""What a network costs and how far it sees: parameters, operations, receptive field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

import keras

from mlstm_fcn._checks import require
from mlstm_fcn.layers import (
    AppendDifferences,
    AttentionLSTM,
    ConvNorm1D,
    ResampleTime,
    SelectiveKernel1D,
    SqueezeExcite1D,
)


@dataclass(frozen=True)
class Cost:
    """What a network costs.

    Attributes:
        parameters: Number of weights, of which `trainable` are changed by gradients.
        trainable: Number of those.
        flops: Floating point operations that a prediction of one series takes: two for each multiplication
            and addition of convolutions and matrix products. What is done element by element, such as
            activations and pooling, is not counted, as is usual; batch normalisation is part of the
            convolutions.
        layers: Number of layers that are trained.
        receptive_field: Steps of the series that one step before the head depends on by convolution and
            pooling; squeezes and recurrent layers see all steps.
    """

    parameters: int
    trainable: int
    flops: int
    layers: int
    receptive_field: int


def cost(model: keras.Model) -> Cost:
    """Count what a network costs.

    Args:
        model: A functional model for series of a fixed length, as `models.build` gives it.

    Raises:
        ValueError: If the length is not fixed, or a layer with weights is not one that can be counted.
    """
    shape = model.input_shape[0] if isinstance(model.input_shape, list) else model.input_shape
    require(None not in shape[1:], "Operations are counted for a fixed length.", input_shape=shape)
    return Cost(
        parameters=model.count_params(),
        trainable=sum(map(_size, model.trainable_weights)),
        flops=2 * sum(map(_products, model.layers)),
        layers=sum(bool(layer.trainable_weights) for layer in model.layers),
        receptive_field=ceil(max(reach for reach, _ in _follow(model).values())),
    )


def _size(weight):
    return int(keras.ops.size(weight))


def _products(layer: Any) -> int:
    """Multiplications of a layer for one series, each with an addition."""
    count = _PRODUCTS.get(type(layer))
    rule = "Operations of this layer are not known."
    require(count is not None or not layer.weights, rule, layer=layer.name, type=type(layer).__name__)
    if count is None:
        return 0
    series, *_ = keras.tree.flatten(layer.input)  # perhaps with a mask
    return count(layer, series.shape[1:], layer.output.shape[1:])


def _of_kernel(layer, before, after):
    """A convolution: every step of the output is a product with the whole kernel."""
    return after[0] * _size(layer.kernel)


def _of_dense(layer, before, after):
    return _size(layer.kernel) * (before[0] if len(before) == 2 else 1)


def _of_selective_kernel(layer, before, after):
    convolutions = sum(after[0] * _size(conv.conv.kernel) for conv in layer.convolutions)
    return convolutions + sum(_size(dense.kernel) for dense in layer.dense)


def _of_attention_lstm(layer, before, after):
    """Once a step: gates from input, context and state, and the query; once a pair of steps: the scores."""
    steps, kernels = before[0], (layer.kernel, layer.context_kernel, layer.recurrent_kernel)
    each = sum(map(_size, [*kernels, layer.score_input_kernel, layer.score_state_kernel]))
    return steps * each + steps**2 * (layer.units + 4 * layer.units)


_PRODUCTS: dict[type, Callable[[Any, Any, Any], int]] = {
    keras.layers.Dense: _of_dense,
    keras.layers.Conv1D: _of_kernel,
    AppendDifferences: lambda layer, before, after: 0,
    ConvNorm1D: lambda layer, before, after: _of_kernel(layer.conv, before, after),
    SqueezeExcite1D: lambda layer, before, after: sum(_size(dense.kernel) for dense in layer.dense),
    SelectiveKernel1D: _of_selective_kernel,
    keras.layers.LSTM: lambda layer, before, after: (
        before[0] * (_size(layer.cell.kernel) + _size(layer.cell.recurrent_kernel))
    ),
    AttentionLSTM: _of_attention_lstm,
}


def output_stride(model: keras.Model) -> float:
    """How many steps of the series lie between one step of a model's output and the next."""
    return max(_follow(model)[id(tensor)][1] for tensor in model.outputs)


def _follow(model):
    """How many steps of the input one step of each tensor of the graph sees, and how far apart they are."""
    seen: dict[int, tuple[float, float]] = {}
    for operation in model.operations:
        inputs, outputs = map(keras.tree.flatten, (operation.input, operation.output))
        before = [seen.get(id(tensor), (1.0, 1.0)) for tensor in inputs] or [(1.0, 1.0)]
        reach, apart = map(max, zip(*before, strict=True))
        span, strides = _span(operation)
        reach, apart = reach + (span - 1) * apart, apart * strides
        seen |= {id(tensor): (reach, apart) for tensor in outputs}
    return seen


def _span(operation):
    """Steps of its input that a step of an operation's output depends on, and how many it goes on by."""
    if isinstance(operation, ConvNorm1D):
        widest = max(keras.tree.flatten(operation.dilation_rate))
        return widest * (operation.kernel_size - 1) + 1, operation.strides
    if isinstance(operation, SelectiveKernel1D):
        widest = operation.branches * operation.dilation_rate
        return widest * (operation.kernel_size - 1) + 1, 1
    if isinstance(operation, keras.layers.MaxPooling1D):
        return operation.pool_size[0], operation.strides[0]
    if isinstance(operation, AppendDifferences):
        return 2, 1
    if isinstance(operation, ResampleTime):
        return 2, 1 / operation.factor
    return 1, 1
