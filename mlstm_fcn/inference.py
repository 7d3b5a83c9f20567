"""Prediction in batches, without the set-up that Keras' `predict` does in each call.

On TensorFlow a compiled prediction takes the weights as arguments, so that models which differ in their
weights alone share it: those of a cross-validation, say. Handing over the weights takes a millisecond, so a
model that is asked often gets a compiled prediction of its own. Both serve all lengths and numbers of cases;
on JAX it is compiled for each length, and for 1, 2, 4, ... cases.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from weakref import WeakKeyDictionary, ref

import keras
import numpy as np

from mlstm_fcn import _jax, _tensorflow
from mlstm_fcn.models.architecture import architecture
from mlstm_fcn.preprocess import cases_at_a_time

Call = Callable[[keras.Model, np.ndarray], list[np.ndarray]]

_OFTEN = 20
_MOST_SHARED = 16
_SHARED: dict[str, Call] = {}  # by architecture, the one used last at the end
_CALLS: WeakKeyDictionary[keras.Model, Call] = WeakKeyDictionary()
_CALLED: WeakKeyDictionary[keras.Model, float] = WeakKeyDictionary()
_LOCK = threading.Lock()


def predict(model: keras.Model, batch: np.ndarray) -> list[np.ndarray]:
    """The outputs of a model, each `(cases, ...)`, for series of shape `(cases, time, channels)`."""
    call = _CALLS.get(model)
    if call is None or _CALLED[model] >= _OFTEN:
        call = _find_call(model)
    _CALLED[model] += 1
    size = cases_at_a_time(batch.shape[1])
    pieces = [call(model, batch[start : start + size]) for start in range(0, len(batch), size)]
    return [np.concatenate(outputs) for outputs in zip(*pieces, strict=True)]


def _find_call(model):
    """The compiled prediction of a model, which one thread at a time makes."""
    with _LOCK:
        shares = _tensorflow.compiles() and _CALLED.get(model, 0) < _OFTEN
        if model not in _CALLS or not shares:
            call = _shared_call(model) if shares else _own_call(model)
            _CALLED[model] = 0 if shares else -math.inf  # an own one is for good
            _CALLS[model] = call
        return _CALLS[model]


def _shared_call(model):
    key = architecture(model)
    if key is None:
        return _compiled_for_tensorflow(model)
    call = _SHARED.pop(key) if key in _SHARED else _compiled_for_tensorflow(model)
    _SHARED[key] = call
    while len(_SHARED) > _MOST_SHARED:
        del _SHARED[next(iter(_SHARED))]
    return call


def _compiled_for_tensorflow(model):
    model_ref = ref(model)  # needed while it is compiled, not longer
    n_trainable = len(model.trainable_variables)

    def call(series, *weights):
        parts = weights[:n_trainable], weights[n_trainable:]
        outputs, _ = model_ref().stateless_call(*parts, series, training=False)  # type: ignore[union-attr]
        return _as_list(outputs)

    weights = [(variable.shape, variable.dtype) for variable in _variables(model)]
    compiled = _tensorflow.compiled(call, [(model.input_shape, "float32"), *weights])
    return lambda model, series: [
        output.numpy()
        for output in compiled(*_tensorflow.on_device([series]), *_tensorflow.read(_variables(model)))
    ]


def _own_call(model):
    # The function must not keep the model alive, or it would never leave the table of calls.
    if _jax.is_backend():
        return _compiled_for_jax(model)
    if not _tensorflow.compiles():
        return lambda model, series: [
            *map(keras.ops.convert_to_numpy, _as_list(model(series, training=False)))
        ]
    model_ref = ref(model)

    def call(series):
        return _as_list(model_ref()(series, training=False))  # type: ignore[misc]

    compiled = _tensorflow.compiled(call, [(model.input_shape, "float32")])
    return lambda model, series: [output.numpy() for output in compiled(*_tensorflow.on_device([series]))]


def _compiled_for_jax(model):
    model_ref, n_trainable = ref(model), len(model.trainable_variables)

    def call(weights, series):
        parts = weights[:n_trainable], weights[n_trainable:]
        outputs, _ = model_ref().stateless_call(*parts, series, training=False)  # type: ignore[union-attr]
        return _as_list(outputs)

    compiled = _jax.inference(call)

    def run(model, series):
        """A number of cases that is no power of two is filled up with the first case."""
        missing = (1 << (len(series) - 1).bit_length()) - len(series)
        filled = np.concatenate([series, np.repeat(series[:1], missing, axis=0)])
        outputs = compiled([variable.value for variable in _variables(model)], filled)
        return [np.asarray(output)[: len(series)] for output in outputs]

    return run


def _variables(model):
    return [*model.trainable_variables, *model.non_trainable_variables]


def _as_list(outputs):
    return outputs if isinstance(outputs, list | tuple) else [outputs]
