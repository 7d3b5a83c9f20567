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


def batch_norm(series: Any, gamma: Any, beta: Any, epsilon: float) -> tuple[Any, Any, Any]:
    """Batch normalisation by the statistics of the batch, in one pass.

    Args:
        series: Float32, `(batch, time, channels)`.
        gamma: Scale, `(channels,)`.
        beta: Offset, `(channels,)`.
        epsilon: Added to the variance.

    Returns:
        The normalised series, and the mean and variance of each channel.
    """
    import tensorflow as tf

    image = tf.expand_dims(series, 2)
    output, mean, unbiased = tf.compat.v1.nn.fused_batch_norm(
        image, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta), epsilon=epsilon
    )
    count = tf.cast(tf.size(series) // tf.shape(series)[2], "float32")
    return tf.squeeze(output, 2), mean, unbiased * (tf.maximum(count, 2.0) - 1) / tf.maximum(count, 2.0)


def on_device(arrays: Sequence[Any]) -> Callable[[Any], list[Any]]:
    """Put arrays on the device; gives a function that takes the same cases of each."""
    import tensorflow as tf

    tensors = [tf.constant(array) for array in arrays]
    return lambda cases: [tf.gather(tensor, cases) for tensor in tensors]
