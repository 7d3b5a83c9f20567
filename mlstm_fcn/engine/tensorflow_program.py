"""Many training steps in one call of TensorFlow."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from mlstm_fcn.engine.keras_program import KerasProgram, as_numbers, one_or_list
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
