"""The engine that every Keras backend has: steps run one by one, as Keras runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import ops

from mlstm_fcn._randomness import seeded
from mlstm_fcn.engine.cache import Call, Idle, Predictions, as_list
from mlstm_fcn.engine.convolution import ungrouped
from mlstm_fcn.engine.fingerprint import architecture, program_key
from mlstm_fcn.engine.protocol import Figures, Source

_MOST_CASES, _MOST_STEPS = 256, 25_600  # batch sizes for evaluation and prediction
_UNROLLED = 16  # steps; a CPU runs up to this number faster as copies of the cell
_IDLE_PROGRAMS = 4

Step = Callable[[Any], dict[str, Any]]
"""From inputs, targets and sample weights to loss and metrics."""


def cases_at_a_time(n_steps: int) -> int:
    """Batch size for series of a length outside of training: long series take memory."""
    return max(1, min(_MOST_CASES, _MOST_STEPS // n_steps))


class KerasProgram:
    """A compiled Keras model and its steps. See `engine.Program`.

    The model has the network's layers, but is a model of its own, so that the optimizer is not saved with the
    network.
    """

    def __init__(
        self,
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: keras.losses.Loss | str,
        metrics: Sequence[str],
        place: Callable[[list[Any]], Any],
    ):
        self.network = network
        self.model = keras.Model(one_or_list(network.inputs), network.outputs, name=network.name)
        self.model.compile(optimizer, loss, weighted_metrics=list(metrics))
        self._place = place
        self._steps: dict[str, Any] = {}
        self._initial_optimizer: list[np.ndarray] = []

    def prepare(self, source: Source) -> None:
        """Create what Keras would create in the first step, so that a step is compiled once."""
        if self._initial_optimizer:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        *inputs, targets, weights = source.sample()
        self.model.compute_loss(one_or_list(inputs), targets, targets, weights)
        self.model.compute_metrics(one_or_list(inputs), targets, targets, weights)
        self._initial_optimizer = [ops.convert_to_numpy(v.value) for v in self.model.optimizer.variables]

    def restart_from(self, network: keras.Model) -> None:
        """Take over a network's state, with an optimizer that has done nothing yet."""
        copy_state(network, self.network)
        for variable, value in zip(self.model.optimizer.variables, self._initial_optimizer, strict=True):
            variable.assign(value)

    def train(
        self, source: Source, batches: Sequence[np.ndarray], rates: np.ndarray | None = None
    ) -> Figures:
        """As `engine.Program.train`."""
        step, logs = self._step("train"), {}
        for number, cases in enumerate(batches):
            if rates is not None:
                self.model.optimizer.learning_rate = rates[number]
            logs = step(*self._data(source, cases))
        return as_numbers(logs)

    def evaluate(self, source: Source, n_steps: int) -> Figures:
        """As `engine.Program.evaluate`."""
        step, logs = self._step("test"), {}
        self.model.reset_metrics()
        size = cases_at_a_time(n_steps)
        for start in range(0, len(source), size):
            logs = step(*self._data(source, np.arange(start, min(start + size, len(source)))))
        return as_numbers(logs)

    def _data(self, source: Source, cases: np.ndarray) -> tuple[Any, np.ndarray]:
        """Arrays on the device, and which of their cases a step reads."""
        if source.resident:
            return source.on_device(self._place), cases
        return self._place(source.read(cases)), np.arange(len(cases))

    def _step(self, kind: str) -> Any:
        if kind not in self._steps:
            self._steps[kind] = self._compile(kind)
        return self._steps[kind]

    def _compile(self, kind: str) -> Any:
        """A function of data and cases that trains (`"train"`) or tests (`"test"`) on these cases.

        Not Keras' `train_on_batch`, which forgets the metrics of the batches before.
        """
        keras_step = getattr(self.model, f"{kind}_step")

        def step(data: list[Any], cases: np.ndarray) -> dict[str, Any]:
            *inputs, targets, weights = (array[cases] for array in data)
            logs: dict[str, Any] = keras_step((one_or_list(inputs), targets, weights))
            return logs

        return step


class KerasEngine:
    """What every backend does. See `engine.Engine`.

    Args:
        name: Keras' name of the backend.
    """

    program_type: type[KerasProgram] = KerasProgram

    def __init__(self, name: str):
        self.name = name
        self.idle: Idle[KerasProgram] = Idle(_IDLE_PROGRAMS)
        self.predictions = Predictions(self._own_prediction, self._shared_prediction, architecture)

    @cached_property
    def on_cpu(self) -> bool:
        """Whether steps run on a CPU. Only backends with an engine of their own know better."""
        return True

    @property
    def compiles(self) -> bool:
        """Whether predictions are compiled so that models of one architecture can share them."""
        return False

    @contextmanager
    def program(
        self,
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: keras.losses.Loss | str,
        metrics: Sequence[str],
        *,
        reusable: bool,
    ) -> Iterator[KerasProgram]:
        """As `engine.Engine.program`.

        Compiling takes a second, and TensorFlow never frees the 14 MB of a compiled step. So a fit trains a
        twin of its network. The next fit with the same architecture, optimizer and loss reuses the twin's
        compiled steps; everything that training changes is copied in and out.
        """
        form = architecture(network)
        if form is None:  # it has user code, which a copy may not share
            yield self.program_type(network, self.fast_optimizer(optimizer), loss, metrics, self.place)
            return
        settings = [form, *metrics, self.name, str(self.compiles)]
        key = program_key(optimizer, loss, settings) if reusable else None
        program = None if key is None else self.idle.take(key)
        if program is None:
            twin = self._twin(network)
            program = self.program_type(twin, self.fast_optimizer(optimizer), loss, metrics, self.place)
            copy_state(network, twin)
        else:
            program.restart_from(network)
        try:
            yield program
        finally:
            copy_state(program.network, network)
        if key is not None:  # only after a training that ended well
            self.idle.put(key, program)

    def _twin(self, network: keras.Model) -> keras.Model:
        """A network with layers of its own, fast ones where the engine has them; the same are frozen."""
        with seeded(np.random.default_rng(0)):
            twin = keras.models.clone_model(network, clone_function=self.fast_layer)
        for layer, other in zip(network.layers, twin.layers, strict=True):
            if not layer.trainable:
                other.trainable = True  # as an argument, False does not reach layers within the layer
                other.trainable = False
        return twin

    def fast_layer(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        """A copy of a layer for training: the same variables, perhaps another way to compute."""
        return type(layer).from_config(layer.get_config())

    def fast_optimizer(self, optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
        """The optimizer, or one with the same variables that computes in another way."""
        return optimizer

    def predict(self, model: keras.Model, batch: np.ndarray) -> list[np.ndarray]:
        """As `engine.Engine.predict`."""
        call = self.predictions.of(model, shares=self.compiles)
        size = cases_at_a_time(batch.shape[1])
        pieces = [call(model, batch[start : start + size]) for start in range(0, len(batch), size)]
        return [np.concatenate(outputs) for outputs in zip(*pieces, strict=True)]

    def _own_prediction(self, model: keras.Model) -> Call:
        return lambda model, series: [*map(ops.convert_to_numpy, as_list(model(series, training=False)))]

    def _shared_prediction(self, model: keras.Model) -> Call:
        raise NotImplementedError  # only for backends whose engine `compiles`

    def place(self, arrays: list[Any]) -> Any:
        """As `engine.Engine.place`."""
        return arrays

    def conv(
        self, series: Any, kernel: Any, *, strides: int = 1, padding: str = "valid", dilation_rate: int = 1
    ) -> Any:
        """As `engine.Engine.conv`; a CPU multiplies by zeros faster than it convolves group by group."""
        groups = series.shape[-1] // kernel.shape[-2]
        kernel = ungrouped(kernel, groups) if groups > 1 and self.on_cpu else kernel
        return ops.conv(series, kernel, strides=strides, padding=padding, dilation_rate=dilation_rate)

    def fused_batch_norm(self, dtype: str) -> Any:
        """As `engine.Engine.fused_batch_norm`."""
        return None

    def unrolls(self, n_steps: int | None) -> bool:
        """As `engine.Engine.unrolls`; a GPU has cuDNN's loop."""
        return self.on_cpu and n_steps is not None and n_steps <= _UNROLLED


def one_or_list(inputs: list[Any]) -> Any:
    """Inputs as Keras takes them."""
    return inputs[0] if len(inputs) == 1 else inputs


def as_numbers(logs: dict[str, Any]) -> Figures:
    """Figures as Python's numbers, read from the device."""
    return {name: float(value) for name, value in logs.items()}


def copy_state(source: keras.Model, target: keras.Model) -> None:
    """Give a network all variables of its twin, those of its dropout too."""
    for old, new in zip(source.variables, target.variables, strict=True):
        new.assign(old)
