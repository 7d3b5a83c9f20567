"""Converters that need TensorFlow: to SavedModel, and to LiteRT with built-in operations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlstm_fcn._files import scratch_folder

if TYPE_CHECKING:
    import keras

Precision = Literal["float32", "float16", "int8"]


def write_saved_model(model: keras.Model, path: Path) -> None:
    """Write a SavedModel folder with the endpoint `serve`, from `(batch, time, channels)` to the outputs."""
    model.export(path, format="tf_saved_model", verbose=False)


def litert(model: keras.Model, precision: Precision, examples: np.ndarray | None) -> bytes:
    """Convert a model to LiteRT with built-in operations only.

    Args:
        model: The model, from `(batch, time, channels)` to `(batch, outputs)`.
        precision: Precision of the weights. `"int8"` also quantises activations where LiteRT can.
        examples: Calibration series of shape `(cases, time, channels)`; required for `"int8"`.

    Returns:
        The content of the `.tflite` file.

    Raises:
        ValueError: If the conversion fails, for example because an operation is not built in.
    """
    import tensorflow as tf

    with scratch_folder() as folder:
        write_saved_model(model, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if precision == "int8":
            assert examples is not None
            converter.representative_dataset = lambda: _batches_of_one(examples)
        try:
            return bytes(converter.convert())
        except Exception as error:  # several types; the message may be pages of compiler output
            message = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
            raise ValueError(f"LiteRT cannot convert this model: {message}") from error


def _batches_of_one(examples: np.ndarray) -> Iterator[list[Any]]:
    for series in examples:
        yield [series[None].astype(np.float32)]
