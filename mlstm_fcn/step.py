"""One step of training, compiled: the only place that knows which backend Keras runs on."""

from collections.abc import Callable

import keras
import numpy as np

Step = Callable[[np.ndarray], dict[str, float]]


def compiled_step(
    model: keras.Model, inputs: list[np.ndarray], targets: np.ndarray, sample_weight: np.ndarray
) -> Step:
    """A function that trains a compiled model on the cases of given indices.

    Args:
        model: A model on which `compile` has been called.
        inputs: One array for each input of the model, each `(cases, ...)`.
        targets: Training targets, shape `(cases, outputs)`.
        sample_weight: Weight of each case in the loss, shape `(cases,)`.

    Returns:
        A function from an index array to the loss and the metrics since the model's `reset_metrics`.
    """
    if keras.config.backend() == "tensorflow":
        return _tensorflow_step(model, inputs, targets, sample_weight)
    return lambda cases: model.train_on_batch(
        _one_or_list([array[cases] for array in inputs]),
        targets[cases],
        sample_weight[cases],
        return_dict=True,
    )


def _tensorflow_step(model, inputs, targets, sample_weight):
    """Keeps the data on the device, and compiles once where `train_on_batch` does for each batch size."""
    import tensorflow as tf

    _create_variables(model, inputs, targets, sample_weight)
    data = [tf.constant(array) for array in (*inputs, targets, sample_weight)]

    @tf.function(autograph=False, input_signature=[tf.TensorSpec((None,), tf.int64)])
    def step(cases):
        *batch, target, weight = (tf.gather(array, cases) for array in data)
        return model.train_step((_one_or_list(batch), target, weight))

    return lambda cases: {name: float(value) for name, value in step(cases).items()}


def _create_variables(model, inputs, targets, sample_weight):
    """What Keras would create in the first step, so that it is not compiled once with and once without."""
    model.optimizer.build(model.trainable_variables)
    case = (_one_or_list([array[:1] for array in inputs]), targets[:1], targets[:1], sample_weight[:1])
    model.compute_loss(*case)
    model.compute_metrics(*case)


def _one_or_list(inputs):
    return inputs[0] if len(inputs) == 1 else inputs
