"""The running backend, chosen once."""

from __future__ import annotations

import threading

from mlstm_fcn.engine.protocol import Backend

_BACKENDS: dict[str, Backend] = {}
_LOCK = threading.Lock()


def current() -> Backend:
    """Keras' backend as the package uses it; one object for the whole process."""
    import keras

    backend = keras.config.backend()
    with _LOCK:
        if backend not in _BACKENDS:
            _BACKENDS[backend] = _made(backend)
        return _BACKENDS[backend]


def _made(backend: str) -> Backend:
    if backend == "tensorflow":
        from mlstm_fcn.engine.on_tensorflow import TensorFlowBackend

        return TensorFlowBackend()
    if backend == "jax":
        from mlstm_fcn.engine.on_jax import JaxBackend

        return JaxBackend()
    from mlstm_fcn.engine.on_keras import KerasBackend

    return KerasBackend(backend)
