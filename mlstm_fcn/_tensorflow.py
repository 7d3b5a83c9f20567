"""The fast paths for TensorFlow, Keras' default backend; nothing else in the package names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def is_backend() -> bool:
    """Whether Keras runs on TensorFlow."""
    import keras

    return bool(keras.config.backend() == "tensorflow")


def runs_eagerly() -> bool:
    """Whether TensorFlow's debugging mode is on (`tf.config.run_functions_eagerly`)."""
    import tensorflow as tf

    return bool(tf.config.functions_run_eagerly())


def compiles() -> bool:
    """Whether Keras runs on TensorFlow, and functions are compiled."""
    return is_backend() and not runs_eagerly()


def read(variables: Sequence[Any]) -> list[Any]:
    """The values of Keras variables as tensors, without what a variable's own method does beside."""
    import tensorflow as tf

    values = [variable.value for variable in variables]
    return [tf.raw_ops.ReadVariableOp(resource=value.handle, dtype=value.dtype) for value in values]


def compiled(function: Callable[..., Any], signature: Sequence[tuple[tuple[int | None, ...], str]]) -> Any:
    """A function of tensors of some shapes and types, compiled once for all sizes that are None.

    In TensorFlow's debugging mode it is not compiled.
    """
    import tensorflow as tf

    specs = [tf.TensorSpec(shape, dtype) for shape, dtype in signature]
    traced = tf.function(function, autograph=False, input_signature=specs)
    return traced if runs_eagerly() else traced.get_concrete_function()


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


def grouped_conv(
    series: Any,
    kernel: Any,
    like: Callable[[Any, Any], Any],
    *,
    strides: int = 1,
    padding: str = "valid",
    dilation_rate: int = 1,
) -> Any:
    """TensorFlow's own grouped convolution, with the gradient of another function.

    Args:
        series: `(batch, time, channels)` or `(batch, rows, columns, channels)`.
        kernel: `(size, channels / groups, filters)`, or with the sizes of both axes.
        like: What computes the same and has a gradient everywhere.
        strides: Steps between the centres.
        padding: `"valid"` or `"same"`.
        dilation_rate: Steps between the elements of the kernel.

    Returns:
        The series convolved, with as many channels as filters.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def convolve(series: Any, kernel: Any) -> Any:
        def gradient(upstream: Any) -> Any:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch((series, kernel))
                output = like(series, kernel)
            return tape.gradient(output, (series, kernel), upstream)

        output = tf.nn.convolution(series, kernel, strides, padding.upper(), dilations=dilation_rate)
        return output, gradient

    return convolve(tf.convert_to_tensor(series), tf.convert_to_tensor(kernel))


def on_device(arrays: Sequence[Any]) -> list[Any]:
    """Arrays as tensors."""
    import tensorflow as tf

    return [tf.constant(array) for array in arrays]


def take(tensors: Sequence[Any], cases: Any) -> list[Any]:
    """The same cases of each tensor."""
    import tensorflow as tf

    return [tf.gather(tensor, cases) for tensor in tensors]
