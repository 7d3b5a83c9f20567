"""What every Keras backend does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, partial
from typing import Any, cast

import keras
import numpy as np
from keras import ops

from mlstm_fcn._checks import require
from mlstm_fcn._randomness import seeded
from mlstm_fcn.engine.cache import Call, Idle, Predictions, as_list
from mlstm_fcn.engine.convolution import ungrouped
from mlstm_fcn.engine.fingerprint import architecture, program_key
from mlstm_fcn.engine.keras_program import KerasProgram, cases_at_a_time, copy_state
from mlstm_fcn.engine.options import Engine, Precision
from mlstm_fcn.engine.placement import chosen, in_use, using
from mlstm_fcn.engine.precision import layers_in_16_bits, lowered

_UNROLLED = 16  # steps; a CPU runs up to this number faster as copies of the cell
_IDLE_PROGRAMS = 4


class KerasBackend:
    """What every backend does. See `engine.Backend`.

    Args:
        name: Keras' name of the backend.
    """

    def __init__(self, name: str):
        self.name = name
        self.idle: Idle[KerasProgram] = Idle(_IDLE_PROGRAMS)
        self.predictions = Predictions(self._own_prediction, self._shared_prediction, architecture)

    def start(self) -> None:
        """As `engine.Backend.start`."""

    @property
    def program_type(self) -> type[KerasProgram]:
        """What runs the steps, on the devices in use."""
        return KerasProgram

    @cached_property
    def default_kind(self) -> str:
        """Where steps run by default. Only backends with an engine of their own know better than `"cpu"`."""
        return "cpu"

    @property
    def on_cpu(self) -> bool:
        """As `engine.Backend.on_cpu`."""
        return (in_use() or (self.default_kind,))[0].startswith("cpu")

    @contextmanager
    def on(self, engine: Engine) -> Iterator[None]:
        """As `engine.Backend.on`."""
        names = chosen(engine, self.devices(), self.name)
        if not names:
            yield
            return
        with using(names), self._scope(names):
            yield

    def _scope(self, names: Sequence[str]) -> AbstractContextManager[Any]:
        """Within it, variables are made on one device, or on each of several, and steps run there."""
        rule = "`device` requires the backend 'tensorflow' or 'jax'; use `keras.device` with others."
        raise ValueError(f"{rule} Received: backend={self.name!r}")

    @property
    def compiles(self) -> bool:
        """Whether predictions are compiled so that models of one architecture can share them."""
        return False

    @property
    def fastest_precision(self) -> Precision:
        """What `"auto"` stands for on this device."""
        return "float32"

    @property
    def precision_reason(self) -> str:
        """As `engine.Backend.precision_reason`."""
        return f"other precisions were not measured with {self.name}"

    @property
    def lstm_reason(self) -> str:
        """As `engine.Backend.lstm_reason`."""
        if not self.on_cpu:
            return "Keras' own: not unrolled, tanh and sigmoid, so that cuDNN can run it (reasoned, not run)"
        return f"Keras' own, unrolled up to {_UNROLLED} steps"

    def devices(self) -> list[str]:
        """As `engine.Backend.devices`."""
        return ["cpu:0"]

    def precision_for(self, network: keras.Model, wanted: str) -> Precision:
        """As `engine.Backend.precision_for`."""
        if wanted == "auto":
            gains = len(network.inputs) == 1 and architecture(network) is not None  # no gain under masks
            return self.fastest_precision if gains else "float32"
        rule = "`precision` must be 'float32' or 'auto' for a network with layers of your own."
        require(wanted == "float32" or architecture(network) is not None, rule, precision=wanted)
        return cast(Precision, wanted)

    @contextmanager
    def program(
        self,
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: keras.losses.Loss | str,
        metrics: Sequence[str],
        *,
        reusable: bool,
        precision: Precision = "float32",
    ) -> Iterator[KerasProgram]:
        """As `engine.Backend.program`.

        Compiling takes a second, and TensorFlow never frees the 14 MB of a compiled step. So a fit trains a
        twin of its network. The next fit with the same architecture, optimizer and loss reuses the twin's
        compiled steps; everything that training changes is copied in and out.
        """
        form = architecture(network)
        if form is None:  # it has user code, which a copy may not share
            rule = "A network with layers of your own trains on the default device: leave out `device`."
            require(not in_use(), rule, devices=in_use())
            yield self.program_type(network, self.fast_optimizer(optimizer), loss, metrics, self.place)
            return
        settings = [form, *metrics, self.name, str(self.compiles), precision, *in_use()]
        key = program_key(optimizer, loss, settings) if reusable else None
        program = None if key is None else self.idle.take(key)
        if program is None:
            twin, optimizer = self._twin(network, precision), self.fast_optimizer(optimizer)
            optimizer = (
                keras.optimizers.LossScaleOptimizer(optimizer) if precision == "float16" else optimizer
            )
            program = self.program_type(twin, optimizer, loss, metrics, self.place)
            copy_state(network, twin)
        else:
            program.restart_from(network)
        try:
            yield program
        finally:
            copy_state(program.network, network)
        if key is not None:  # only after a training that ended well
            self.idle.put(key, program)

    def _twin(self, network: keras.Model, precision: Precision) -> keras.Model:
        """A network with layers of its own, fast ones where the engine has them; the same are frozen."""
        low = set() if precision == "float32" else layers_in_16_bits(network)
        with seeded(np.random.default_rng(0)):
            twin = keras.models.clone_model(
                network, clone_function=partial(self._for_training, low, precision)
            )
        for layer, other in zip(network.layers, twin.layers, strict=True):
            if not layer.trainable:
                other.trainable = True  # as an argument, False does not reach layers within the layer
                other.trainable = False
        return twin

    def _for_training(
        self, low: set[str], precision: Precision, layer: keras.layers.Layer
    ) -> keras.layers.Layer:
        return lowered(layer, precision) if layer.name in low else self.fast_layer(layer)

    def fast_layer(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        """A copy of a layer for training: the same variables, perhaps another way to compute."""
        return type(layer).from_config(layer.get_config())

    def fast_optimizer(self, optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
        """The optimizer, or one with the same variables that computes in another way."""
        return optimizer

    def predict(self, model: keras.Model, batch: np.ndarray, at_once: int | None = None) -> list[np.ndarray]:
        """As `engine.Backend.predict`."""
        call = self.predictions.of(model, shares=self.compiles)
        size = at_once or cases_at_a_time(batch.shape[1])
        pieces = [call(model, batch[start : start + size]) for start in range(0, len(batch), size)]
        return [np.concatenate(outputs) for outputs in zip(*pieces, strict=True)]

    def gradient(self, model: keras.Model, batch: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """As `engine.Backend.gradient`, with PyTorch's tensors (reasoned, not run)."""
        series = ops.convert_to_tensor(batch.astype(np.float32))
        rule = "Gradients require the backend 'tensorflow', 'jax' or 'torch'."
        require(hasattr(series, "requires_grad_"), rule, backend=self.name)
        series.requires_grad_(True)
        ops.sum(model(series, training=False) * ops.convert_to_tensor(weights)).backward()
        return ops.convert_to_numpy(series.grad)

    def _own_prediction(self, model: keras.Model) -> Call:
        return lambda model, series: [*map(ops.convert_to_numpy, as_list(model(series, training=False)))]

    def _shared_prediction(self, model: keras.Model) -> Call:
        raise NotImplementedError  # only for backends whose engine `compiles`

    def place(self, arrays: list[Any]) -> Any:
        """As `engine.Backend.place`."""
        return arrays

    def conv(
        self, series: Any, kernel: Any, *, strides: int = 1, padding: str = "valid", dilation_rate: int = 1
    ) -> Any:
        """As `engine.Backend.conv`; a CPU multiplies by zeros faster than it convolves group by group."""
        groups = series.shape[-1] // kernel.shape[-2]
        kernel = ungrouped(kernel, groups) if groups > 1 and self.on_cpu else kernel
        return ops.conv(series, kernel, strides=strides, padding=padding, dilation_rate=dilation_rate)

    def fused_batch_norm(self, dtype: str) -> Any:
        """As `engine.Backend.fused_batch_norm`."""
        return None

    def unrolls(self, n_steps: int | None) -> bool:
        """As `engine.Backend.unrolls`; a GPU has cuDNN's loop."""
        return self.on_cpu and n_steps is not None and n_steps <= _UNROLLED
