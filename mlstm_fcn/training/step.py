"""One step of training or validation, compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mlstm_fcn import _tensorflow

Logs = dict[str, float]


@dataclass(frozen=True)
class Examples:
    """What a network is trained or tested on.

    Attributes:
        inputs: One array for each input of the network: series `(cases, time, channels)`, perhaps a mask.
        targets: Shape `(cases, outputs)`.
        sample_weight: Weight of each case in loss and metrics, shape `(cases,)`.
    """

    inputs: list[np.ndarray]
    targets: np.ndarray
    sample_weight: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    def arrays(self) -> list[np.ndarray]:
        """All arrays, the inputs first."""
        return [*self.inputs, self.targets, self.sample_weight]

    def take(self, cases: np.ndarray) -> Examples:
        """Some of the cases, by their indices."""
        *inputs, targets, sample_weight = (array[cases] for array in self.arrays())
        return Examples(inputs, targets, sample_weight)


def compiled_step(model: keras.Model, examples: Examples) -> Callable[[np.ndarray], Logs]:
    """A function that trains a compiled model on the cases of given indices.

    Returns:
        A function from an index array to the loss and the metrics since the model's `reset_metrics`.
    """
    if _tensorflow.is_backend():
        return _tensorflow_step(model, model.train_step, examples)
    return lambda cases: model.train_on_batch(*_keras_data(examples.take(cases)), return_dict=True)


def compiled_evaluation(model: keras.Model, examples: Examples, batch_size: int) -> Callable[[], Logs]:
    """A function that gives loss and metrics on all examples; it resets the model's metrics."""
    batches = [
        np.arange(start, min(start + batch_size, len(examples)))
        for start in range(0, len(examples), batch_size)
    ]
    if _tensorflow.is_backend():
        step = _tensorflow_step(model, model.test_step, examples)
    else:

        def step(cases):
            return model.test_on_batch(*_keras_data(examples.take(cases)), return_dict=True)

    def evaluate() -> Logs:
        model.reset_metrics()
        return [step(cases) for cases in batches][-1]

    return evaluate


def _tensorflow_step(model, keras_step, examples):
    """Keeps the data on the device, and compiles once where Keras does for each size of batch."""
    _create_variables(model, examples)
    take = _tensorflow.on_device(examples.arrays())

    def step(cases):
        *inputs, targets, sample_weight = take(cases)
        return keras_step((_one_or_list(inputs), targets, sample_weight))

    compiled = _tensorflow.compiled(step, [(None,)], "int64")
    return lambda cases: {
        name: float(value) for name, value in compiled(keras.ops.convert_to_tensor(cases)).items()
    }


def _create_variables(model, examples):
    """What Keras would create in the first step, so that it is not compiled once with and once without."""
    model.optimizer.build(model.trainable_variables)
    inputs, targets, sample_weight = _keras_data(examples.take(np.arange(1)))
    model.compute_loss(inputs, targets, targets, sample_weight)
    model.compute_metrics(inputs, targets, targets, sample_weight)


def _keras_data(examples: Examples) -> tuple[Any, np.ndarray, np.ndarray]:
    return _one_or_list(examples.inputs), examples.targets, examples.sample_weight


def _one_or_list(inputs):
    return inputs[0] if len(inputs) == 1 else inputs
