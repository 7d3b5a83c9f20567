"""Prediction in batches, without the set-up that Keras' `predict` does in each call."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary, ref

import keras
import numpy as np

from mlstm_fcn import _tensorflow

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

    def call(series):
        outputs = model_ref()(series, training=False)  # type: ignore[misc]
        return outputs if isinstance(outputs, list | tuple) else [outputs]

    if _tensorflow.is_backend():
        call = _tensorflow.compiled(call, [model.input_shape], "float32")
    return lambda series: [
        keras.ops.convert_to_numpy(output) for output in call(keras.ops.convert_to_tensor(series))
    ]
