"""Import Keras without start-up messages, and draw without windows."""

from __future__ import annotations

import os


def start_keras_quietly() -> None:
    """Import Keras and its backend without the messages that C++ code writes to standard error."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import keras

        keras.ops.zeros(())  # the backend searches for devices, and prints messages
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def draw_without_windows() -> None:
    """Let matplotlib draw in memory.

    Raises:
        ImportError: If matplotlib is not installed; the message has the install command.
    """
    from mlstm_fcn._optional import optional

    optional("matplotlib", "plot").use("agg")
