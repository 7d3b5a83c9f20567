"""Prediction in batches, without the set-up that Keras' `predict` does in each call."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary, ref

import keras
import numpy as np

from mlstm_fcn import _jax, _tensorflow

BATCH_SIZE = 256

_COMPILED: WeakKeyDictionary[keras.Model, Callable[[np.ndarray], list[np.ndarray]]] = WeakKeyDictionary()


def predict(model: keras.Model, batch: np.ndarray) -> list[np.ndarray]:
    """The outputs of a model, each `(cases, ...)`, for series of shape `(cases, time, channels)`."""
    if model not in _COMPILED:
        _COMPILED[model] = _compiled(model)
    call = _COMPILED[model]
    pieces = [call(batch[start : start + BATCH_SIZE]) for start in range(0, len(batch), BATCH_SIZE)]
    return [np.concatenate(outputs) for outputs in zip(*pieces, strict=True)]


def _compiled(model):
    # The function must not keep the model alive, or it would never leave the table of compiled models.
    model_ref = ref(model)
    if _jax.is_backend():
        return _compiled_for_jax(model_ref)

    def call(series):
        return _as_list(model_ref()(series, training=False))  # type: ignore[misc]

    if _tensorflow.is_backend():
        call = _tensorflow.compiled(call, [(model.input_shape, "float32")])
    return lambda series: [
        keras.ops.convert_to_numpy(output) for output in call(keras.ops.convert_to_tensor(series))
    ]


def _compiled_for_jax(model_ref):
    """Compiled for batches of 1, 2, 4, ... cases: a batch between is filled up with its first case."""

    def call(weights, others, series):
        outputs, _ = model_ref().stateless_call(weights, others, series, training=False)
        return _as_list(outputs)

    compiled = _jax.inference(call)

    def run(series):
        model, n_cases = model_ref(), len(series)
        filled = np.concatenate([series, np.repeat(series[:1], _power_of_two(n_cases) - n_cases, axis=0)])
        weights = [[variable.value for variable in group] for group in _variables(model)]
        return [np.asarray(output)[:n_cases] for output in compiled(*weights, filled)]

    return run


def _variables(model):
    return model.trainable_variables, model.non_trainable_variables


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()


def _as_list(outputs):
    return outputs if isinstance(outputs, list | tuple) else [outputs]
