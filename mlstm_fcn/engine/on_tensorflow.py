"""The engine of TensorFlow, Keras' default backend: many training steps in one compiled call."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any
from weakref import ref

import keras
import numpy as np
import tensorflow as tf

from mlstm_fcn.engine.cache import Call, as_list
from mlstm_fcn.engine.convolution import in_rows, ungrouped
from mlstm_fcn.engine.devices import has_fast_convolutions
from mlstm_fcn.engine.fast_tensorflow import BlockLSTM, fused
from mlstm_fcn.engine.on_keras import KerasEngine, KerasProgram, as_numbers, one_or_list
from mlstm_fcn.engine.protocol import Figures, Source

_SECONDS_PER_CALL = 0.5
_FIRST_STEPS, _MOST_STEPS = 32, 4096


class TensorFlowProgram(KerasProgram):
    """Steps in a loop on the device, compiled once for all sizes of batches."""

    _steps_per_call = _FIRST_STEPS

    def train(
        self, source: Source, batches: Sequence[np.ndarray], rates: np.ndarray | None = None
    ) -> Figures:
        """As `engine.Program.train`."""
        figures: Figures = {}
        if source.resident:
            data, start = source.on_device(self._place), 0
            while start < len(batches):  # in calls of a fraction of a second, so that Ctrl-C is heard
                steps = slice(start, start + self._steps_per_call)
                figures = self._train(data, batches[steps], None if rates is None else rates[steps])
                start = steps.stop
            return figures
        for number, cases in enumerate(batches):
            one = None if rates is None else rates[number : number + 1]
            figures = self._train(self._place(source.read(cases)), [np.arange(len(cases))], one)
        return figures

    def _train(self, data: Any, batches: Sequence[np.ndarray], rates: np.ndarray | None) -> Figures:
        steps = self._step("train" if rates is None else "train at rates")
        ends = np.cumsum([len(cases) for cases in batches])
        given = [np.concatenate(batches), ends, np.zeros(0) if rates is None else rates]
        types = ("int64", "int64", "float32")
        order = [tf.constant(array, dtype) for array, dtype in zip(given, types, strict=True)]
        begin = time.perf_counter()
        figures = as_numbers(steps(*order, *data))
        seconds = (time.perf_counter() - begin) / len(batches)
        self._steps_per_call = max(1, min(_MOST_STEPS, round(_SECONDS_PER_CALL / seconds)))
        return figures

    def _compile(self, kind: str) -> Any:
        inputs = [(tensor.shape, tensor.dtype) for tensor in self.model.inputs]
        data = [*inputs, (self.model.output_shape, "float32"), ((None,), "float32")]
        if kind == "test":
            test = compiled(self._test_step, [((None,), "int64"), *data])
            return lambda data, cases: test(tf.constant(cases, "int64"), *data)
        order = [((None,), "int64"), ((None,), "int64"), ((None,), "float32")]
        return compiled(self._loop(sets_rates=kind == "train at rates"), [*order, *data])

    def _test_step(self, cases: Any, *data: Any) -> Any:
        return self.model.test_step(_chosen(data, cases))

    def _loop(self, *, sets_rates: bool) -> Callable[..., Any]:
        """A function that trains a step for each end of a batch, and gives the figures of all."""
        model = self.model

        def steps(order: Any, ends: Any, rates: Any, *data: Any) -> Any:
            def step(number: Any, start: Any) -> tuple[Any, Any]:
                if sets_rates:
                    model.optimizer.learning_rate = rates[number]
                model.train_step(_chosen(data, order[start : ends[number]]))
                return number + 1, ends[number]

            first = tf.constant(0), tf.constant(0, "int64")
            tf.while_loop(lambda number, _: number < tf.size(ends), step, first, parallel_iterations=1)
            return model.get_metrics_result()

        return steps


class TensorFlowEngine(KerasEngine):
    """See `engine.Engine`."""

    program_type = TensorFlowProgram

    def __init__(self) -> None:
        super().__init__("tensorflow")

    @cached_property
    def on_cpu(self) -> bool:
        """Whether TensorFlow sees no GPU."""
        return not tf.config.list_physical_devices("GPU")

    @cached_property
    def dilates_in_rows(self) -> bool:
        """Whether a dilated convolution over rows is faster than TensorFlow's own."""
        return not has_fast_convolutions()

    @property
    def compiles(self) -> bool:
        """Whether TensorFlow's debugging mode (`tf.config.run_functions_eagerly`) is off."""
        return not tf.config.functions_run_eagerly()

    def _shared_prediction(self, model: keras.Model) -> Call:
        model_ref = ref(model)  # needed while it is compiled, not longer
        n_trainable = len(model.trainable_variables)

        def call(series: Any, *weights: Any) -> list[Any]:
            parts = weights[:n_trainable], weights[n_trainable:]
            outputs, _ = model_ref().stateless_call(*parts, series, training=False)  # type: ignore[union-attr]
            return as_list(outputs)

        weights = [(variable.shape, variable.dtype) for variable in _variables(model)]
        predict = compiled(call, [(model.input_shape, "float32"), *weights])
        return lambda model, series: [
            output.numpy() for output in predict(tf.constant(series), *_read(_variables(model)))
        ]

    def _own_prediction(self, model: keras.Model) -> Call:
        if not self.compiles:
            return super()._own_prediction(model)
        model_ref = ref(model)  # the compiled function must not keep the model alive

        def call(series: Any) -> list[Any]:
            return as_list(model_ref()(series, training=False))  # type: ignore[misc]

        predict = compiled(call, [(model.input_shape, "float32")])
        return lambda model, series: [output.numpy() for output in predict(tf.constant(series))]

    def place(self, arrays: list[Any]) -> list[Any]:
        """As `engine.Engine.place`."""
        return [tf.constant(array) for array in arrays]

    def conv(
        self, series: Any, kernel: Any, *, strides: int = 1, padding: str = "valid", dilation_rate: int = 1
    ) -> Any:
        """As `engine.Engine.conv`. Older CPUs write dilation in rows (`benchmarks/dilation.py`)."""
        rows = dilation_rate > 1 and padding == "same" and self.dilates_in_rows
        if self.on_cpu and rows:
            return in_rows(series, kernel, dilation_rate, _conv_with_gradient)
        if self.on_cpu and series.shape[-1] != kernel.shape[-2]:
            return _conv_with_gradient(series, kernel, strides, padding, dilation_rate)
        return keras.ops.conv(series, kernel, strides=strides, padding=padding, dilation_rate=dilation_rate)

    def fast_layer(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        """An LSTM as one operation, on CPUs; other layers as they are."""
        if self.on_cpu and BlockLSTM.suits(layer):
            return BlockLSTM.from_config(layer.get_config())
        return super().fast_layer(layer)

    def fast_optimizer(self, optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
        """Adam and AdamW as one operation a variable."""
        return fused(optimizer) if self.compiles else optimizer

    def fused_batch_norm(self, dtype: str) -> Any:
        """As `engine.Engine.fused_batch_norm`; in float32."""
        return _batch_norm if dtype == "float32" else None


def compiled(function: Callable[..., Any], signature: Sequence[tuple[tuple[int | None, ...], str]]) -> Any:
    """A function of tensors of some shapes and types, compiled once for all sizes that are None.

    In TensorFlow's debugging mode it is not compiled.
    """
    specs = [tf.TensorSpec(shape, dtype) for shape, dtype in signature]
    traced = tf.function(function, autograph=False, input_signature=specs)
    return traced if tf.config.functions_run_eagerly() else traced.get_concrete_function()


def _chosen(data: Sequence[Any], cases: Any) -> tuple[Any, Any, Any]:
    *inputs, targets, weights = (tf.gather(tensor, cases) for tensor in data)
    return one_or_list(inputs), targets, weights


def _variables(model: keras.Model) -> list[Any]:
    return [*model.trainable_variables, *model.non_trainable_variables]


def _read(variables: Sequence[Any]) -> list[Any]:
    """The values of Keras variables, without the casts of a variable's own method."""
    values = [variable.value for variable in variables]
    return [tf.raw_ops.ReadVariableOp(resource=value.handle, dtype=value.dtype) for value in values]


def _batch_norm(series: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    image = tf.expand_dims(series, 2)
    scale, offset = tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta)
    output, mean, unbiased = tf.compat.v1.nn.fused_batch_norm(image, scale, offset, epsilon=epsilon)
    count = tf.cast(tf.size(series) // tf.shape(series)[2], "float32")
    return tf.squeeze(output, 2), mean, unbiased * (tf.maximum(count, 2.0) - 1) / tf.maximum(count, 2.0)


def _conv_with_gradient(
    series: Any, kernel: Any, strides: int = 1, padding: str = "valid", dilation_rate: int = 1
) -> Any:
    """Convolution over one axis or two; a grouped one gets the gradient of an ungrouped one.

    TensorFlow has no gradient of a grouped convolution on CPUs.
    """
    groups = series.shape[-1] // kernel.shape[-2]
    sizes: dict[str, Any] = {"strides": strides, "padding": padding, "dilation_rate": dilation_rate}
    if groups == 1:
        return keras.ops.conv(series, kernel, **sizes)

    @tf.custom_gradient
    def convolve(series: Any, kernel: Any) -> Any:
        def gradient(upstream: Any) -> Any:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch((series, kernel))
                output = keras.ops.conv(series, ungrouped(kernel, groups), **sizes)
            return tape.gradient(output, (series, kernel), upstream)

        output = tf.nn.convolution(series, kernel, strides, padding.upper(), dilations=dilation_rate)
        return output, gradient

    return convolve(tf.convert_to_tensor(series), tf.convert_to_tensor(kernel))
