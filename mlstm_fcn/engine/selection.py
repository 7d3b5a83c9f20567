"""The engine of the running backend, chosen once."""

from __future__ import annotations

import threading

import keras

from mlstm_fcn.engine.protocol import Engine

_ENGINES: dict[str, Engine] = {}
_LOCK = threading.Lock()


def current() -> Engine:
    """The engine of Keras' backend; one object for the whole process."""
    backend = keras.config.backend()
    with _LOCK:
        if backend not in _ENGINES:
            _ENGINES[backend] = _made(backend)
        return _ENGINES[backend]


def _made(backend: str) -> Engine:
    if backend == "tensorflow":
        from mlstm_fcn.engine.on_tensorflow import TensorFlowEngine

        return TensorFlowEngine()
    if backend == "jax":
        from mlstm_fcn.engine.on_jax import JaxEngine

        return JaxEngine()
    from mlstm_fcn.engine.on_keras import KerasEngine

    return KerasEngine(backend)
