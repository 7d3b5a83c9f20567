"""Training steps of JAX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import jax
import keras
import numpy as np

from mlstm_fcn.engine.keras_program import KerasProgram, one_or_list, read_figures
from mlstm_fcn.engine.protocol import Figures, Source

_STEPS_PER_CALL = 256  # so that Ctrl-C is heard


class JaxProgram(KerasProgram):
    """Steps on data that stay on the device, where Keras' `train_on_batch` moves each batch.

    Within a `keras.distribution`, each device computes its share of a batch. The arrays are still those of
    the whole batch, and so are its mean loss and the statistics of batch normalisation.
    """

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self._distribution = keras.distribution.distribution()

    def _compile(self, kind: str) -> Any:
        groups, keras_step = self._groups(kind), getattr(self.model, f"{kind}_step")

        @jax.jit
        def run(state: Any, data: Any, cases: Any) -> Any:
            return keras_step(state, self._chosen(data, cases))

        def step(data: Any, cases: Any) -> Any:
            logs, state = run(_values(groups), data, cases)
            _assign(groups, state)
            return logs

        return step

    def _groups(self, kind: str) -> list[list[Any]]:
        """Variables as Keras' steps take them."""
        model = self.model
        optimizer = [model.optimizer.variables] if kind == "train" else []
        return [
            model.trainable_variables,
            model.non_trainable_variables,
            *optimizer,
            model.metrics_variables,
        ]

    def _chosen(self, data: Any, cases: Any) -> tuple[Any, Any, Any]:
        arrays = [array[cases] for array in data]
        if self._distribution is not None:
            layouts = [self._distribution.get_data_layout(array.shape) for array in arrays]
            arrays = [*map(keras.distribution.distribute_tensor, arrays, layouts)]
        *inputs, targets, weights = arrays
        return one_or_list(inputs), targets, weights


class JaxLoopProgram(JaxProgram):
    """Many steps a call, for devices that run them faster than Python calls them.

    On a CPU, XLA's convolutions take 20 to 60 times as long within a loop as outside of it.
    """

    def train(
        self, source: Source, batches: Sequence[np.ndarray], rates: np.ndarray | None = None
    ) -> Figures:
        """As `engine.Program.train`."""
        if not source.resident or len(batches) < 2:
            return super().train(source, batches, rates)
        data, groups, logs = source.on_device(self._place), self._groups("train"), {}
        run = self._step("train in a loop" if rates is None else "train in a loop at rates")
        for steps in _of_equal_size(batches):
            given = np.zeros(0) if rates is None else rates[steps].astype(np.float32)
            logs, state = run(_values(groups), data, np.stack(batches[steps]), given)
            _assign(groups, state)
        return read_figures(logs)

    def _compile(self, kind: str) -> Any:
        if not kind.startswith("train in a loop"):
            return super()._compile(kind)
        optimizer, train_step = self.model.optimizer, self.model.train_step
        places = (place for place, one in enumerate(optimizer.variables) if one is optimizer.learning_rate)
        rate_place = next(places) if kind.endswith("at rates") else None

        @jax.jit
        def run(state: Any, data: Any, order: Any, rates: Any) -> Any:
            def step(state: Any, given: Any) -> Any:
                cases, rate = given
                if rate_place is not None:
                    state[2][rate_place] = rate
                logs, state = train_step(state, self._chosen(data, cases))
                return [*map(list, state)], logs

            state, logs = jax.lax.scan(step, state, (order, rates if rate_place is not None else None))
            return {name: values[-1] for name, values in logs.items()}, state

        return run


def _of_equal_size(batches: Sequence[np.ndarray]) -> Iterator[slice]:
    """Runs of batches of one size, at most `_STEPS_PER_CALL` each: a loop is compiled for sizes."""
    start = 0
    for _, same in groupby(map(len, batches)):
        stop = start + len([*same])
        for begin in range(start, stop, _STEPS_PER_CALL):
            yield slice(begin, min(begin + _STEPS_PER_CALL, stop))
        start = stop


def _values(groups: list[list[Any]]) -> list[list[Any]]:
    return [[variable.value for variable in group] for group in groups]


def _assign(groups: list[list[Any]], state: Any) -> None:
    for group, values in zip(groups, state, strict=True):
        for variable, value in zip(group, values, strict=True):
            variable.assign(value)
