"""TensorFlow, Keras' default backend."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from typing import Any
from weakref import ref

import keras
import numpy as np
import tensorflow as tf

from mlstm_fcn._arrays import is_aligned
from mlstm_fcn.engine.cache import Call, as_list
from mlstm_fcn.engine.convolution import in_rows, ungrouped
from mlstm_fcn.engine.devices import fast_flags, has_fast_convolutions
from mlstm_fcn.engine.fast_tensorflow import BlockLSTM, batch_norm, fused
from mlstm_fcn.engine.on_keras import KerasBackend
from mlstm_fcn.engine.options import Precision
from mlstm_fcn.engine.quiet import quiet
from mlstm_fcn.engine.tensorflow_program import TensorFlowProgram, compiled
from mlstm_fcn.engine.tensorflow_replicas import ReplicaProgram, batch_norm_of_replicas

_SHARED = 1 << 22  # bytes; smaller arrays are copied


class TensorFlowBackend(KerasBackend):
    """See `engine.Backend`."""

    def __init__(self) -> None:
        super().__init__("tensorflow")
        self._is_started = False
        self._strategies: dict[tuple[str, ...], tf.distribute.Strategy] = {}
        with quiet():
            _let_memory_grow()

    def start(self) -> None:
        """As `engine.Backend.start`; a transposed bool asks for what its CPU library can do."""
        if not self._is_started:
            self._is_started = True
            with quiet():
                tf.transpose(tf.constant([[True]]))

    @property
    def program_type(self) -> type[TensorFlowProgram]:
        """Steps on one device, or on the replicas of a strategy."""
        return ReplicaProgram if tf.distribute.has_strategy() else TensorFlowProgram

    @cached_property
    def default_kind(self) -> str:
        """A GPU if TensorFlow sees one."""
        return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"

    def _scope(self, names: Sequence[str]) -> AbstractContextManager[Any]:
        """A device, or a strategy that mirrors all variables on several."""
        if len(names) == 1:
            return keras.device(names[0])
        key = tuple(names)  # a compiled step belongs to one strategy
        if key not in self._strategies:
            self._strategies[key] = tf.distribute.MirroredStrategy([name.upper() for name in names])
        return self._strategies[key].scope()

    @cached_property
    def dilates_in_rows(self) -> bool:
        """Whether a dilated convolution over rows is faster than TensorFlow's own."""
        return not has_fast_convolutions()

    @property
    def fastest_precision(self) -> Precision:
        """Bfloat16 on CPUs with AVX512-BF16 or AMX, and on GPUs from compute capability 8.0 on."""
        if self.on_cpu:
            return "bfloat16" if has_fast_convolutions() else "float32"
        return "bfloat16" if _compute_capability() >= (8, 0) else "float32"

    @property
    def precision_reason(self) -> str:
        """As `engine.Backend.precision_reason`."""
        if not self.on_cpu:
            return f"compute capability {_compute_capability()}; bfloat16 from 8.0 on (reasoned, not run)"
        flags = ", ".join(sorted(fast_flags())) or "neither AVX512-BF16 nor AMX"
        return f"the CPU has {flags}"

    @property
    def lstm_reason(self) -> str:
        """As `engine.Backend.lstm_reason`."""
        own = "one operation without a mask, as Keras' own with one"
        return own if self.on_cpu else super().lstm_reason

    def devices(self) -> list[str]:
        """As `engine.Backend.devices`."""
        kinds = ("CPU", "GPU")
        return [
            f"{kind.lower()}:{number}"
            for kind in kinds
            for number, _ in enumerate(tf.config.list_logical_devices(kind))
        ]

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

    def gradient(self, model: keras.Model, batch: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """As `engine.Backend.gradient`."""
        series = tf.constant(batch, tf.float32)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(series)
            total = tf.reduce_sum(model(series, training=False) * tf.constant(weights, tf.float32))
        return tape.gradient(total, series, unconnected_gradients="zero").numpy()

    def place(self, arrays: list[Any]) -> list[Any]:
        """As `engine.Backend.place`; on a CPU large arrays stay where they are, which saves two copies."""
        shares = self.on_cpu and not tf.distribute.has_strategy()
        return [_shared(array) if shares and _is_shareable(array) else tf.constant(array) for array in arrays]

    def conv(
        self, series: Any, kernel: Any, *, strides: int = 1, padding: str = "valid", dilation_rate: int = 1
    ) -> Any:
        """As `engine.Backend.conv`. Older CPUs write dilation in rows (`benchmarks/dilation.py`)."""
        rows = dilation_rate > 1 and padding == "same" and self.dilates_in_rows
        if self.on_cpu and rows:
            return in_rows(series, kernel, dilation_rate, _conv_with_gradient)
        if self.on_cpu and series.shape[-1] != kernel.shape[-2]:
            return _conv_with_gradient(series, kernel, strides, padding, dilation_rate)
        return keras.ops.conv(series, kernel, strides=strides, padding=padding, dilation_rate=dilation_rate)

    def _twin(self, network: keras.Model, precision: Precision) -> keras.Model:
        """Batch normalisation that is Keras' own takes statistics over all replicas too, where it can."""
        twin = super()._twin(network, precision)
        if tf.distribute.has_strategy():
            for layer in twin._flatten_layers():
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.synchronized = True
        return twin

    def fast_layer(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        """An LSTM as one operation, on CPUs; other layers as they are."""
        if self.on_cpu and BlockLSTM.suits(layer):
            return BlockLSTM.from_config(layer.get_config())
        return super().fast_layer(layer)

    def fast_optimizer(self, optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
        """Adam and AdamW as one operation a variable."""
        return fused(optimizer) if self.compiles and not tf.distribute.has_strategy() else optimizer

    def fused_batch_norm(self, dtype: str) -> Any:
        """As `engine.Backend.fused_batch_norm`; statistics are float32."""
        if dtype == "float64":
            return None
        replica = tf.distribute.get_replica_context()
        return batch_norm_of_replicas if replica and replica.num_replicas_in_sync > 1 else batch_norm


def _let_memory_grow() -> None:
    """Leave memory of GPUs to other processes until it is needed (reasoned, not run).

    What users have set stays: a runtime that has started, or a limit, refuses the change.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError, ValueError):
            tf.config.experimental.set_memory_growth(gpu, True)


def _compute_capability() -> tuple[int, int]:
    """Of the slowest GPU that TensorFlow sees."""
    devices = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return min((device.get("compute_capability", (0, 0)) for device in devices), default=(0, 0))


def _variables(model: keras.Model) -> list[Any]:
    return [*model.trainable_variables, *model.non_trainable_variables]


def _read(variables: Sequence[Any]) -> list[Any]:
    """The values of Keras variables, without the casts of a variable's own method."""
    values = [variable.value for variable in variables]
    return [tf.raw_ops.ReadVariableOp(resource=value.handle, dtype=value.dtype) for value in values]


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


def _is_shareable(array: Any) -> bool:
    return isinstance(array, np.ndarray) and array.nbytes >= _SHARED and is_aligned(array)


def _shared(array: np.ndarray) -> Any:
    """A tensor in the memory of an array, which must not change any more."""
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
