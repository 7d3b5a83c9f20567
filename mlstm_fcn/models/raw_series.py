"""What stands before a network: from series as they were measured to series as the network wants them."""

import keras
import numpy as np


def raw_series_model(network: keras.Model, mean: np.ndarray, scale: np.ndarray) -> keras.Model:
    """Put the scaling of the training set in front of a network, so that it is saved with it.

    Args:
        network: A model from `(batch, time, channels)`, scaled, to outputs.
        mean: Mean of each channel, shape `(channels,)`.
        scale: Standard deviation of each channel, shape `(channels,)`, none of them zero.

    Returns:
        A model from `(batch, time, channels)` in the units of the data to the network's outputs.
    """
    series = keras.Input(network.input_shape[1:], name="series")
    scaling = keras.layers.Normalization(mean=mean, variance=np.square(scale), name="scaling")
    return keras.Model(series, network(scaling(series)), name=f"{network.name}_on_raw_series")
