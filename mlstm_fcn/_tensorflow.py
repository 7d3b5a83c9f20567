"""The fast paths for TensorFlow, Keras' default backend; nothing else in the package names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def is_backend() -> bool:
    """Whether Keras runs on TensorFlow."""
    import keras

    return bool(keras.config.backend() == "tensorflow")


def compiled(function: Callable[..., Any], shapes: Sequence[tuple[int | None, ...]], dtype: str) -> Any:
    """A function of tensors, compiled once for all sizes that are None.

    In TensorFlow's debugging mode (`tf.config.run_functions_eagerly`) it is not compiled.
    """
    import tensorflow as tf

    signature = [tf.TensorSpec(shape, dtype) for shape in shapes]
    traced = tf.function(function, autograph=False, input_signature=signature)
    return traced if tf.config.functions_run_eagerly() else traced.get_concrete_function()


def on_device(arrays: Sequence[Any]) -> Callable[[Any], list[Any]]:
    """Put arrays on the device; gives a function that takes the same cases of each."""
    import tensorflow as tf

    tensors = [tf.constant(array) for array in arrays]
    return lambda cases: [tf.gather(tensor, cases) for tensor in tensors]
