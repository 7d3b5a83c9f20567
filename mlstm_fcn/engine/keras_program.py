"""A compiled Keras model and its steps, run one by one as Keras runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
from keras import ops

from mlstm_fcn.engine.protocol import Figures, Source

_MOST_CASES, _MOST_STEPS = 256, 25_600  # batch sizes for evaluation and prediction


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
        self._initial_optimizer = [variable.numpy() for variable in self.model.optimizer.variables]

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
        for number, (data, cases) in enumerate(self._batches(source, batches)):
            if rates is not None:
                self.model.optimizer.learning_rate = rates[number]
            logs = step(data, cases)
        return read_figures(logs)

    def evaluate(self, source: Source, n_steps: int) -> Figures:
        """As `engine.Program.evaluate`."""
        step, logs = self._step("test"), {}
        self.model.reset_metrics()
        for data, cases in self._batches(source, self._held_back(len(source), cases_at_a_time(n_steps))):
            logs = step(data, cases)
        return read_figures(logs)

    def _held_back(self, n_cases: int, size: int) -> list[np.ndarray]:
        """Batches to evaluate on."""
        return np.split(np.arange(n_cases), range(size, n_cases, size))

    def _batches(self, source: Source, batches: Sequence[np.ndarray]) -> Iterator[tuple[Any, np.ndarray]]:
        """Arrays on the device, and which of their cases a step reads, for each batch."""
        if source.resident:
            data = source.on_device(self._place)
            yield from ((data, cases) for cases in batches)
        else:
            for arrays in read_ahead(source, batches):
                yield self._place(arrays), np.arange(len(arrays[-1]))

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


def one_or_list(inputs: list[Any]) -> Any:
    """Inputs as Keras takes them."""
    return inputs[0] if len(inputs) == 1 else inputs


def read_ahead(source: Source, batches: Sequence[np.ndarray]) -> Iterator[list[Any]]:
    """Arrays of each batch, in order; a thread reads the next batch while the caller computes.

    The source is read by one thread at a time, in order, so that what it draws at random is the same.
    """
    if len(batches) < 2:
        yield from map(source.read, batches)
        return
    with ThreadPoolExecutor(1, "mlstm_fcn-reader") as reader:
        coming = reader.submit(source.read, batches[0])
        for cases in batches[1:]:
            arrays, coming = coming.result(), reader.submit(source.read, cases)
            yield arrays
        yield coming.result()


def read_figures(logs: dict[str, Any]) -> Figures:
    """Figures as Python's numbers, read from the device at once."""
    if not logs:
        return {}
    figures = [ops.convert_to_tensor(figure) for figure in logs.values()]  # Keras may give Python's numbers
    dtype = keras.backend.result_type(*(keras.backend.standardize_dtype(one.dtype) for one in figures))
    values = ops.convert_to_numpy(ops.stack([ops.cast(figure, dtype) for figure in figures]))
    return dict(zip(logs, map(float, values), strict=True))


def copy_state(source: keras.Model, target: keras.Model) -> None:
    """Give a network all variables of its twin, those of its dropout too, whatever device each is on."""
    for old, new in zip(source.variables, target.variables, strict=True):
        new.assign(old.numpy())
