"""What stands before a network: from series as they were measured to series as the network reads them."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.layers import FillMissing, StandardizeChannels, StandardizeSeries
from mlstm_fcn.layers.missing import valid_steps


def build_preprocessor(
    mean: np.ndarray, std: np.ndarray, *, scaling: str | None, missing: str
) -> keras.Model:
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
        series = StandardizeChannels(mean.tolist(), std.tolist(), dtype="float32", name="scaling")(series)
    elif scaling == "series":
        series = StandardizeSeries(dtype="float32", name="scaling")(series)
    return keras.Model(
        raw, FillMissing(missing, dtype="float32", name="fill_missing")(series), name="preprocessor"
    )


def with_mask(preprocessor: keras.Model) -> keras.Model:
    """The same with a second output: the mask `(batch, time)` of the steps that belong to the series."""
    return keras.Model(
        preprocessor.input, [preprocessor.output, valid_steps(preprocessor.input)], name=preprocessor.name
    )


def without_filling(preprocessor: keras.Model) -> keras.Model:
    """The same for series in which nothing is missing."""
    return keras.Model(
        preprocessor.input, preprocessor.get_layer("fill_missing").input, name=preprocessor.name
    )


def compose(
    preprocessor: keras.Model, network: keras.Model, unit: tuple[float, float] = (1.0, 0.0)
) -> keras.Model:
    """One model from raw series to the outputs of the network, times and plus the two numbers of `unit`."""
    shape = network.input_shape[0] if takes_mask(network) else network.input_shape
    series = keras.Input(shape[1:], name="series")
    outputs = network(preprocessor(series))
    if unit != (1.0, 0.0):
        outputs = keras.layers.Rescaling(*unit, dtype="float32", name="unit")(outputs)
    return keras.Model(series, outputs, name=f"{network.name}_on_raw_series")


def split(model: keras.Model) -> tuple[keras.Model, keras.Model, tuple[float, float]]:
    """What `compose` put together."""
    _, preprocessor, network, *unit = model.layers
    return preprocessor, network, (unit[0].scale, unit[0].offset) if unit else (1.0, 0.0)


def takes_mask(network: keras.Model) -> bool:
    """Whether a network reads a mask beside the series."""
    return isinstance(network.input_shape, list)


def matching_layers(
    source: keras.Model, target: keras.Model
) -> list[tuple[keras.layers.Layer, keras.layers.Layer]]:
    """The layers with weights that two networks share, the source's and the target's of each.

    By their names, if the source has all names of the target; else by their order, if both have the same
    kinds of layers in the same order, since layers that nobody named are counted; else by the names that
    both have.
    """
    old, new = ([layer for layer in network.layers if layer.weights] for network in (source, target))
    by_name = {layer.name: layer for layer in old}
    known = [layer for layer in new if layer.name in by_name]
    if len(known) < len(new) and [type(layer) for layer in old] == [type(layer) for layer in new]:
        return list(zip(old, new, strict=True))
    return [(by_name[layer.name], layer) for layer in known]


def transfer(source: keras.Model, target: keras.Model) -> None:
    """Copy the weights of every layer that both networks have, in the same shapes.

    Raises:
        ValueError: If there is no such layer.

    Warns:
        UserWarning: Names layers that both have not, except the last, which another number of outputs makes
            another one.
    """
    copied = []
    for old, new in matching_layers(source, target):
        weights = old.get_weights()
        if [weight.shape for weight in weights] == [weight.shape for weight in new.get_weights()]:
            new.set_weights(weights)
            copied.append(new.name)
    require(len(copied) > 0, "The network must have a layer in common with the one that it goes on from.")
    *before_last, _ = (layer.name for layer in target.layers if layer.weights)
    anew = [name for name in before_last if name not in copied]
    if anew:
        text = (
            f"The network that training goes on from has no such layers; they begin anew: {', '.join(anew)}."
        )
        warnings.warn(text, UserWarning, stacklevel=2)


def require_freezable(networks: Sequence[keras.Model], prefixes: Sequence[str]) -> None:
    """Check beginnings of names of layers.

    Raises:
        ValueError: If one fits no layer with weights of any network.
    """
    layers = [layer for network in networks for layer in network.layers if layer.weights]
    names = dict.fromkeys(layer.name for layer in layers)
    for prefix in prefixes:
        rule = f"`freeze` must hold beginnings of layers' names: {', '.join(names)}."
        require(any(name.startswith(prefix) for name in names), rule, freeze=prefix)


@contextmanager
def frozen(network: keras.Model, prefixes: Sequence[str]) -> Iterator[None]:
    """Keep training from changing the layers whose names begin with one of some prefixes."""
    named = [layer for layer in network.layers if layer.name.startswith(tuple(prefixes))]
    chosen = [layer for layer in named if layer.weights and layer.trainable]
    for layer in chosen:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in chosen:
            layer.trainable = True
