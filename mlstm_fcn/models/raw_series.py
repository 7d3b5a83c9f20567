"""What stands before a network: from series as they were measured to series as the network reads them."""

from collections.abc import Sequence

import keras
import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.layers import FillMissing, StandardizeSeries
from mlstm_fcn.layers.missing import valid_steps

SCALINGS = ("channel", "series", None)


def front(mean: np.ndarray, std: np.ndarray, *, scaling: str | None, missing: str) -> keras.Model:
    """Scaling, then missing values: the part of a model that training does not change.

    Args:
        mean: Mean of each channel in the training set, shape `(channels,)`.
        std: Standard deviation of each channel, shape `(channels,)`, none of them zero.
        scaling: `"channel"` by these statistics, `"series"` each series by itself, or None.
        missing: How `FillMissing` fills in; after scaling, so that its zero is the mean.

    Returns:
        A model from `(batch, time, channels)`, NaN where nothing was measured, to that shape without NaN.
    """
    raw = keras.Input((None, len(mean)), name="raw_series")
    series = raw
    if scaling == "channel":
        series = keras.layers.Normalization(mean=mean, variance=np.square(std), name="scaling")(series)
    elif scaling == "series":
        series = StandardizeSeries(name="scaling")(series)
    return keras.Model(raw, FillMissing(missing, name="fill_missing")(series), name="front")


def with_mask(front: keras.Model) -> keras.Model:
    """The same with a second output: the mask `(batch, time)` of the steps that belong to the series."""
    return keras.Model(front.input, [front.output, valid_steps(front.input)], name=front.name)


def join(front: keras.Model, network: keras.Model, unit: tuple[float, float] = (1.0, 0.0)) -> keras.Model:
    """One model from raw series to the outputs of the network, times and plus the two numbers of `unit`."""
    shape = network.input_shape[0] if takes_mask(network) else network.input_shape
    series = keras.Input(shape[1:], name="series")
    outputs = network(front(series))
    if unit != (1.0, 0.0):
        outputs = keras.layers.Rescaling(*unit, name="unit")(outputs)
    return keras.Model(series, outputs, name=f"{network.name}_on_raw_series")


def parts(model: keras.Model) -> tuple[keras.Model, keras.Model, tuple[float, float]]:
    """What `join` put together."""
    _, front, network, *unit = model.layers
    return front, network, (unit[0].scale, unit[0].offset) if unit else (1.0, 0.0)


def takes_mask(network: keras.Model) -> bool:
    """Whether a network reads a mask beside the series."""
    return isinstance(network.input_shape, list)


def transfer(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of every layer that both networks have, by name, in the same shapes."""
    layers = {layer.name: layer for layer in source.layers}
    for layer in target.layers:
        weights = layers[layer.name].get_weights() if layer.name in layers else []
        if [weight.shape for weight in weights] == [weight.shape for weight in layer.get_weights()]:
            layer.set_weights(weights)


def freeze(network: keras.Model, prefixes: Sequence[str]) -> None:
    """Keep training from changing the layers whose names begin with one of some prefixes.

    Raises:
        ValueError: If a prefix fits no layer.
    """
    names = [layer.name for layer in network.layers if layer.weights]
    for prefix in prefixes:
        rule = f"`freeze` must hold beginnings of layers' names: {', '.join(names)}."
        require(any(name.startswith(prefix) for name in names), rule, freeze=prefix)
    for layer in network.layers:
        layer.trainable = not layer.name.startswith(tuple(prefixes))
