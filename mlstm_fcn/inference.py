"""Prediction in batches."""

import keras
import numpy as np

BATCH_SIZE = 256


def predict(model: keras.Model, batch: np.ndarray) -> np.ndarray:
    """Outputs of a model for series of shape `(cases, time, channels)`, shape `(cases, outputs)`."""
    return model.predict(batch, batch_size=BATCH_SIZE, verbose=0)
