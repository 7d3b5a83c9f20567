"""One step of training or validation, compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from mlstm_fcn import _jax, _tensorflow

Logs = dict[str, float]
Step = Callable[[Any, np.ndarray], Logs]


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


def on_device(examples: Examples) -> Any:
    """The examples where a compiled step reads them."""
    if _tensorflow.is_backend():
        return _tensorflow.on_device(examples.arrays())
    return _jax.on_device(examples.arrays()) if _jax.is_backend() else examples


def compiled_step(model: keras.Model, kind: str, examples: Examples) -> Step:
    """A function that trains or tests a compiled model on some cases.

    Args:
        model: A compiled model; what a step changes is in its variables after each call.
        kind: `"train"` or `"test"`.
        examples: Any that are like those of the calls.

    Returns:
        A function from `on_device(examples)` and an index array to the loss and the metrics since the
        model's `reset_metrics`.
    """
    if _tensorflow.is_backend():
        _create_variables(model, examples)
        return _tensorflow_step(model, getattr(model, f"{kind}_step"))
    if _jax.is_backend():
        _create_variables(model, examples)
        optimizer = [model.optimizer.variables] if kind == "train" else []
        state = [
            model.trainable_variables,
            model.non_trainable_variables,
            *optimizer,
            model.metrics_variables,
        ]
        return _with_numbers(_jax.compiled(getattr(model, f"{kind}_step"), state))
    on_batch = getattr(model, f"{kind}_on_batch")
    return lambda examples, cases: on_batch(*_keras_data(examples.take(cases)), return_dict=True)


def evaluation(step: Step, model: keras.Model, examples: Examples, batch_size: int) -> Callable[[], Logs]:
    """A function that gives loss and metrics on all examples; it resets the model's metrics."""
    batches = [
        np.arange(start, min(start + batch_size, len(examples)))
        for start in range(0, len(examples), batch_size)
    ]
    data = on_device(examples)

    def evaluate() -> Logs:
        model.reset_metrics()
        return [step(data, cases) for cases in batches][-1]

    return evaluate


def _tensorflow_step(model, keras_step):
    """Compiled once, where Keras compiles once for each size of batch."""

    def step(cases, *data):
        *inputs, targets, sample_weight = _tensorflow.take(data, cases)
        return keras_step((_one_or_list(inputs), targets, sample_weight))

    inputs = [(tensor.shape, tensor.dtype) for tensor in model.inputs]
    targets, sample_weight = (model.output_shape, "float32"), ((None,), "float32")
    compiled = _tensorflow.compiled(step, [((None,), "int64"), *inputs, targets, sample_weight])
    return _with_numbers(lambda data, cases: compiled(keras.ops.convert_to_tensor(cases), *data))


def _with_numbers(step):
    return lambda data, cases: {name: float(value) for name, value in step(data, cases).items()}


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
