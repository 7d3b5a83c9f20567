"""Prediction in batches."""

import keras
import numpy as np

BATCH_SIZE = 256


def predict(model: keras.Model, batch: np.ndarray) -> list[np.ndarray]:
    """The outputs of a model, each `(cases, ...)`, for series of shape `(cases, time, channels)`."""
    outputs = model.predict(batch, batch_size=BATCH_SIZE, verbose=0)
    return outputs if isinstance(outputs, list) else [outputs]
