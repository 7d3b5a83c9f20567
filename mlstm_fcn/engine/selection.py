"""The running backend, chosen once."""

from __future__ import annotations

import threading

from mlstm_fcn.engine.forks import note_use
from mlstm_fcn.engine.protocol import Backend
from mlstm_fcn.engine.quiet import import_keras

_BACKENDS: dict[str, Backend] = {}
_LOCK = threading.Lock()


def current() -> Backend:
    """Keras' backend as the package uses it; one object for the whole process.

    Raises:
        RuntimeError: If the process is a fork of one in which the backend has run.
    """
    import_keras()
    import keras

    note_use()  # before the lock, which another thread may have held during the fork
    backend = keras.config.backend()
    with _LOCK:
        if backend not in _BACKENDS:
            _BACKENDS[backend] = _made(backend)
        return _BACKENDS[backend]


def ready() -> Backend:
    """The same, started quietly: for what makes variables or computes.

    Raises:
        RuntimeError: As `current`. Without it, such a process would wait for ever.
    """
    backend = current()
    backend.start()
    return backend


def _made(backend: str) -> Backend:
    if backend == "tensorflow":
        from mlstm_fcn.engine.on_tensorflow import TensorFlowBackend

        return TensorFlowBackend()
    if backend == "jax":
        from mlstm_fcn.engine.on_jax import JaxBackend

        return JaxBackend()
    from mlstm_fcn.engine.on_keras import KerasBackend

    return KerasBackend(backend)
