"""The pipeline around a network: preprocessing before it, the unit of the data or a temperature after it."""

from typing import Any

import keras
import numpy as np

from mlstm_fcn.layers import FillMissing, StandardizeChannels, StandardizeSeries
from mlstm_fcn.layers.missing import valid_steps

_SILENCED = "without_constant_channels"


def build_preprocessor(
    mean: np.ndarray, std: np.ndarray, *, scaling: str | None, missing: str
) -> keras.Model:
    """Scaling, then filling in of missing values; training does not change them.

    A channel that was constant in the training set becomes zero, however series are scaled: what it holds
    later has never been learnt from.

    Args:
        mean: Mean of each channel in the training set, shape `(channels,)`.
        std: Standard deviation of each channel, shape `(channels,)`; zero for a constant channel.
        scaling: `"channel"` by these statistics, `"series"` each series by itself, or None.
        missing: How `FillMissing` fills in; after scaling, so that its zero is the mean.

    Returns:
        A model from `(batch, time, channels)`, NaN where nothing was measured, to that shape without NaN.
    """
    raw = keras.Input((None, len(mean)), name="raw_series")
    series, varies = raw, std > 0
    if scaling == "channel":
        std = np.where(varies, std, 1.0)
        series = StandardizeChannels(mean.tolist(), std.tolist(), dtype="float32", name="scaling")(series)
    elif scaling == "series":
        series = StandardizeSeries(dtype="float32", name="scaling")(series)
    if not varies.all():
        factors = varies.astype(float)[None, None].tolist()  # also right where Keras has channels first
        series = keras.layers.Rescaling(factors, dtype="float32", name=_SILENCED)(series)
    return keras.Model(
        raw, FillMissing(missing, dtype="float32", name="fill_missing")(series), name="preprocessor"
    )


def constant_channels(preprocessor: keras.Model) -> list[int]:
    """Channels that were constant in the training set, and are zero to the network."""
    layers = [layer for layer in preprocessor.layers if layer.name == _SILENCED]
    return np.flatnonzero(np.ravel(layers[0].scale) == 0).tolist() if layers else []


def with_mask(preprocessor: keras.Model) -> keras.Model:
    """The same with a second output: the mask `(batch, time)` of the steps that belong to the series."""
    return keras.Model(
        preprocessor.input, [preprocessor.output, valid_steps(preprocessor.input)], name=preprocessor.name
    )


def reading_padded(network: keras.Model) -> keras.Model:
    """A network with one input: series whose steps after the end are NaN, instead of series and mask."""
    if not takes_mask(network):
        return network
    series = keras.Input(network.input_shape[0][1:], name="padded_series")
    known = keras.ops.where(keras.ops.isnan(series), 0.0, series)
    return keras.Model(series, network([known, valid_steps(series)]), name=network.name)


def without_filling(preprocessor: keras.Model) -> keras.Model:
    """The same for series in which nothing is missing."""
    return keras.Model(
        preprocessor.input, preprocessor.get_layer("fill_missing").input, name=preprocessor.name
    )


def in_unit(factor: Any, offset: Any) -> keras.layers.Layer | None:
    """The last layer of a model whose network has outputs in another unit; None for the same unit.

    Args:
        factor: From outputs to the unit of the data; a number, or a tuple with one for each output.
        offset: Added after it; as `factor`.
    """
    if (factor, offset) == (1.0, 0.0):
        return None
    return keras.layers.Rescaling(factor, offset, dtype="float32", name="unit")


def compose(
    preprocessor: keras.Model, network: keras.Model, last: keras.layers.Layer | None = None
) -> keras.Model:
    """One model from raw series to outputs in the unit of the data.

    Args:
        preprocessor: From raw series `(batch, time, channels)` to the inputs of the network.
        network: The network.
        last: What is done to the outputs of the network, or nothing.
    """
    shape = network.input_shape[0] if takes_mask(network) else network.input_shape
    series = keras.Input(shape[1:], name="series")
    outputs = network(preprocessor(series))
    if last is not None:
        outputs = last(outputs)
    return keras.Model(series, outputs, name=f"{network.name}_on_raw_series")


def split(model: keras.Model) -> tuple[keras.Model, keras.Model, keras.layers.Layer | None]:
    """The preprocessor, the network and the last layer, if any, of a model that `compose` made."""
    _, preprocessor, network, *last = model.layers
    return preprocessor, network, last[0] if last else None


def takes_mask(network: keras.Model) -> bool:
    """Whether a network reads a mask as a second input."""
    return isinstance(network.input_shape, list)
