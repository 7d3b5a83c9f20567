"""What only TensorFlow converts: SavedModel, and LiteRT with built-in operations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import keras

Precision = Literal["float32", "float16", "int8"]


def write_saved_model(model: keras.Model, path: Path) -> None:
    """Write a SavedModel whose endpoint `serve` takes series and gives the outputs."""
    model.export(path, format="tf_saved_model", verbose=False)


def litert(model: keras.Model, precision: Precision, examples: np.ndarray | None) -> bytes:
    """A LiteRT model of built-in operations.

    Args:
        model: The model.
        precision: Of weights; with `"int8"` also of what is computed, as far as LiteRT has it.
        examples: For `"int8"`, series to see the ranges of values on.

    Raises:
        ValueError: If an operation is not built in.
    """
    import tensorflow as tf

    with TemporaryDirectory() as folder:
        write_saved_model(model, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if precision == "int8":
            assert examples is not None
            converter.representative_dataset = lambda: _one_by_one(examples)
        try:
            return bytes(converter.convert())
        except Exception as error:  # of several kinds, with pages of the compiler's own language
            said = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
            raise ValueError(f"LiteRT cannot hold this model: {said}") from error


def _one_by_one(examples: np.ndarray) -> Iterator[list[Any]]:
    for series in examples:
        yield [series[None].astype(np.float32)]
