"""Many training steps in one call of TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from mlstm_fcn.engine.keras_program import KerasProgram, one_or_list, read_ahead, read_figures
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
        logs: dict[str, Any] = {}
        done = 0
        for data, steps in self._calls(source, batches):
            logs = self._train(data, steps, None if rates is None else rates[done : done + len(steps)])
            done += len(steps)
        return read_figures(logs)

    def _calls(self, source: Source, batches: Sequence[np.ndarray]) -> Iterator[tuple[Any, Any]]:
        """Arrays and batches of each call, which takes a fraction of a second, so that Ctrl-C is heard."""
        for data, steps in self._portions(source, batches):
            start = 0
            while start < len(steps):
                some = steps[start : start + self._steps_per_call]
                start += len(some)
                yield data, some

    def _portions(self, source: Source, batches: Sequence[np.ndarray]) -> Iterator[tuple[Any, Any]]:
        """Arrays on the device and the batches that are read from them, several where these are small."""
        if source.resident:
            yield source.on_device(self._place), batches
            return
        n_steps = max(1, source.at_once // max(map(len, batches)))
        portions = [batches[start : start + n_steps] for start in range(0, len(batches), n_steps)]
        read = read_ahead(source, [np.concatenate(portion) for portion in portions])
        for arrays, portion in zip(read, portions, strict=True):
            ends = np.cumsum([len(cases) for cases in portion])
            yield self._place(arrays), np.split(np.arange(ends[-1]), ends[:-1])

    def _train(self, data: Any, batches: Sequence[np.ndarray], rates: np.ndarray | None) -> dict[str, Any]:
        """Figures since the last reset, on the device."""
        steps = self._step("train" if rates is None else "train at rates")
        ends = np.cumsum([len(cases) for cases in batches])
        given = [np.concatenate(batches), ends, np.zeros(0) if rates is None else rates]
        types = ("int64", "int64", "float32")
        order = [tf.constant(array, dtype) for array, dtype in zip(given, types, strict=True)]
        begin = time.perf_counter()
        logs: dict[str, Any] = steps(*order, *data)
        seconds = (time.perf_counter() - begin) / len(batches)
        self._steps_per_call = max(1, min(_MOST_STEPS, round(_SECONDS_PER_CALL / seconds)))
        return logs

    def _compile(self, kind: str) -> Any:
        inputs = [(tensor.shape, tensor.dtype) for tensor in self.model.inputs]
        data = [*inputs, (self.model.output_shape, "float32"), ((None,), "float32")]
        if kind == "test":
            test = compiled(self._test_step, [((None,), "int64"), *data])
            return lambda data, cases: test(tf.constant(cases, "int64"), *data)
        order = [((None,), "int64"), ((None,), "int64"), ((None,), "float32")]
        return compiled(self._loop(sets_rates=kind == "train at rates"), [*order, *data])

    def _test_step(self, cases: Any, *data: Any) -> Any:
        return self.model.test_step(chosen(data, cases))

    def _train_on(self, data: Any, cases: Any) -> None:
        """A training step, within the loop."""
        self.model.train_step(chosen(data, cases))

    def _loop(self, *, sets_rates: bool) -> Callable[..., Any]:
        """A function that trains a step for each end of a batch, and gives the figures of all."""
        model = self.model

        def steps(order: Any, ends: Any, rates: Any, *data: Any) -> Any:
            def step(number: Any, start: Any) -> tuple[Any, Any]:
                if sets_rates:
                    model.optimizer.learning_rate = rates[number]
                self._train_on(data, order[start : ends[number]])
                return number + 1, ends[number]

            first = tf.constant(0), tf.constant(0, "int64")
            tf.while_loop(lambda number, _: number < tf.size(ends), step, first, parallel_iterations=1)
            return model.get_metrics_result()

        return steps


def compiled(function: Callable[..., Any], signature: Sequence[tuple[tuple[int | None, ...], str]]) -> Any:
    """A function of tensors of some shapes and types, compiled once for all sizes that are None.

    In TensorFlow's debugging mode it is not compiled.
    """
    specs = [tf.TensorSpec(shape, dtype) for shape, dtype in signature]
    traced = tf.function(function, autograph=False, input_signature=specs)
    return traced if tf.config.functions_run_eagerly() else traced.get_concrete_function()


def chosen(data: Sequence[Any], cases: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and weights of some cases, as Keras' steps take them."""
    *inputs, targets, weights = (tf.gather(tensor, cases) for tensor in data)
    return one_or_list(inputs), targets, weights
