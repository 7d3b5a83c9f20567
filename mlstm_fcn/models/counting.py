"""The cost of a network: parameters, operations, receptive field."""

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
    MiniRocket1D,
    ResampleTime,
    SelectiveKernel1D,
    SqueezeExcite1D,
)
from mlstm_fcn.layers.minirocket import SIZE


@dataclass(frozen=True)
class Cost:
    """The cost of a network.

    Attributes:
        parameters: Number of weights.
        trainable: Number of trainable weights.
        flops: Floating point operations of a prediction for one series, two for each multiply-add of
            convolutions and matrix products. As is usual, element-wise operations, such as activations and
            pooling, are not counted. Batch normalisation is folded into the convolutions.
        layers: Number of layers with trainable weights.
        receptive_field: Steps of the series on which one step before the head depends, through convolution
            and pooling. Squeeze-and-excitation and recurrent layers, which see all steps, are left out.
    """

    parameters: int
    trainable: int
    flops: int
    layers: int
    receptive_field: int


def cost(model: keras.Model) -> Cost:
    """Count the parameters, the operations and the receptive field of a network.

    Args:
        model: A functional model for series of a fixed length, such as `models.build` returns.

    Raises:
        ValueError: If the length is not fixed, or a layer with weights has an unsupported type.
    """
    shape = model.input_shape[0] if isinstance(model.input_shape, list) else model.input_shape
    require(None not in shape[1:], "`cost` requires a model for series of a fixed length.", input_shape=shape)
    return Cost(
        parameters=model.count_params(),
        trainable=sum(map(_size, model.trainable_weights)),
        flops=2 * sum(map(_products, model.layers)),
        layers=sum(bool(layer.trainable_weights) for layer in model.layers),
        receptive_field=ceil(max(field for field, _ in receptive_fields(model).values())),
    )


def _size(weight):
    return int(keras.ops.size(weight))


def _products(layer: Any) -> int:
    """Number of multiply-adds of a layer for one series."""
    count = _PRODUCTS.get(type(layer))
    rule = "`cost` must know the operations of every layer with weights."
    require(count is not None or not layer.weights, rule, layer=layer.name, type=type(layer).__name__)
    if count is None:
        return 0
    series, *_ = keras.tree.flatten(layer.input)  # the rest is the mask, if any
    return count(layer, series.shape[1:], layer.output.shape[1:])


def _of_kernel(layer, before, after):
    """A convolution: each step of the output is one product with the whole kernel."""
    return after[0] * _size(layer.kernel)


def _of_dense(layer, before, after):
    return _size(layer.kernel) * (before[0] if len(before) == 2 else 1)


def _of_selective_kernel(layer, before, after):
    convolutions = sum(after[0] * _size(conv.conv.kernel) for conv in layer.convolutions)
    return convolutions + sum(_size(dense.kernel) for dense in layer.dense)


def _of_attention_lstm(layer, before, after):
    """Per step the gates and the query; per pair of steps the scores and the context."""
    steps, kernels = before[0], (layer.kernel, layer.context_kernel, layer.recurrent_kernel)
    per_step = sum(map(_size, [*kernels, layer.score_input_kernel, layer.score_state_kernel]))
    return steps * per_step + steps**2 * (layer.units + 4 * layer.units)


_PRODUCTS: dict[type, Callable[[Any, Any, Any], int]] = {
    keras.layers.Dense: _of_dense,
    keras.layers.Conv1D: _of_kernel,
    keras.layers.BatchNormalization: lambda layer, before, after: 0,
    MiniRocket1D: lambda layer, before, after: before[0] * _size(layer.kernel),
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
    """The stride of a model's output, in steps of the series."""
    return max(receptive_fields(model)[id(tensor)][1] for tensor in model.outputs)


def receptive_fields(model: keras.Model) -> dict[int, tuple[float, float]]:
    """Receptive field and stride, in steps of the input, of each tensor of the graph, by its id."""
    fields: dict[int, tuple[float, float]] = {}
    for operation in model.operations:
        inputs, outputs = map(keras.tree.flatten, (operation.input, operation.output))
        before = [fields.get(id(tensor), (1.0, 1.0)) for tensor in inputs] or [(1.0, 1.0)]
        field, stride = map(max, zip(*before, strict=True))
        window, own_stride = _window(operation)
        field, stride = field + (window - 1) * stride, stride * own_stride
        fields |= {id(tensor): (field, stride) for tensor in outputs}
    return fields


def _window(operation):
    """Window and stride of an operation, in steps of its input."""
    if isinstance(operation, ConvNorm1D):
        widest = max(keras.tree.flatten(operation.dilation_rate))
        return widest * (operation.kernel_size - 1) + 1, operation.strides
    if isinstance(operation, SelectiveKernel1D):
        widest = operation.branches * operation.dilation_rate
        return widest * (operation.kernel_size - 1) + 1, 1
    if isinstance(operation, MiniRocket1D):
        return operation.dilation_rate * (SIZE - 1) + 1, 1
    if isinstance(operation, keras.layers.MaxPooling1D):
        return operation.pool_size[0], operation.strides[0]
    if isinstance(operation, AppendDifferences):
        return 2, 1
    if isinstance(operation, ResampleTime):
        return 2, 1 / operation.factor
    return 1, 1
