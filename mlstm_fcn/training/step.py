"""One step of training or validation, compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from mlstm_fcn import _jax, _tensorflow
from mlstm_fcn.preprocess import cases_at_a_time
from mlstm_fcn.training.dataset import Dataset

Logs = dict[str, float]
Step = Callable[[Any, np.ndarray], Logs]


def reader(
    examples: Dataset, change: Callable[[Dataset], Dataset] | None = None
) -> Callable[[np.ndarray], tuple[Any, np.ndarray]]:
    """How steps come by their data: a function from cases to what a step takes.

    Dataset in memory are on the device from the start; those in a file, or with a change, which is made to
    the cases of every step anew, only while a step needs them.
    """
    if examples.prepare is None and change is None:
        data = _on_device(examples)
        return lambda cases: (data, cases)
    change = change or (lambda some: some)
    return lambda cases: (_on_device(change(examples.read(cases))), np.arange(len(cases)))


def batches(examples: Dataset, size: int) -> list[np.ndarray]:
    """All cases in order, as indices batch by batch."""
    return np.split(np.arange(len(examples)), range(size, len(examples), size))


def _on_device(examples):
    if _tensorflow.is_backend():
        return _tensorflow.on_device(examples.arrays())
    return _jax.on_device(examples.arrays()) if _jax.is_backend() else examples


def compiled_step(model: keras.Model, kind: str, examples: Dataset) -> Step:
    """A function that trains or tests a compiled model on some cases.

    Args:
        model: A compiled model; what a step changes is in its variables after each call.
        kind: `"train"` or `"test"`.
        examples: Any that are like those of the calls.

    Returns:
        A function of what `reader(examples)` gives, to the loss and the metrics since the model's
        `reset_metrics`.
    """
    _create_variables(model, examples)
    keras_step = getattr(model, f"{kind}_step")
    if _tensorflow.is_backend():
        return _tensorflow_step(model, keras_step)
    if _jax.is_backend():
        optimizer = [model.optimizer.variables] if kind == "train" else []
        state = [
            model.trainable_variables,
            model.non_trainable_variables,
            *optimizer,
            model.metrics_variables,
        ]
        return _with_numbers(_jax.compiled(keras_step, state))
    # Not `train_on_batch`, which forgets the metrics of the batches before.
    return _with_numbers(lambda examples, cases: keras_step(_keras_data(examples.take(cases))))


def evaluation(step: Step, model: keras.Model, examples: Dataset) -> Callable[[], Logs]:
    """A function that gives loss and metrics on all examples; it resets the model's metrics."""
    read, size = reader(examples), cases_at_a_time(examples.inputs[0].shape[1])

    def evaluate() -> Logs:
        model.reset_metrics()
        return [step(*read(cases)) for cases in batches(examples, size)][-1]

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
    inputs, targets, sample_weight = _keras_data(examples.read(np.arange(1)))
    model.compute_loss(inputs, targets, targets, sample_weight)
    model.compute_metrics(inputs, targets, targets, sample_weight)


def _keras_data(examples: Dataset) -> tuple[Any, np.ndarray, np.ndarray]:
    return _one_or_list(examples.inputs), examples.targets, examples.sample_weight


def _one_or_list(inputs):
    return inputs[0] if len(inputs) == 1 else inputs
