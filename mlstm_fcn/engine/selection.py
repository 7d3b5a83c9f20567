"""The engine of the running backend, chosen once."""

from __future__ import annotations

from functools import cache

import keras

from mlstm_fcn.engine.protocol import Engine


def current() -> Engine:
    """The engine of Keras' backend; one object for the whole process."""
    return _engine(keras.config.backend())


@cache
def _engine(backend: str) -> Engine:
    if backend == "tensorflow":
        from mlstm_fcn.engine.on_tensorflow import TensorFlowEngine

        return TensorFlowEngine()
    if backend == "jax":
        from mlstm_fcn.engine.on_jax import JaxEngine

        return JaxEngine()
    from mlstm_fcn.engine.on_keras import KerasEngine

    return KerasEngine(backend)
