"""Weights from one network to another, and layers that training leaves as they are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras

from mlstm_fcn._checks import require
from mlstm_fcn._warnings import warn


def matching_layers(
    source: keras.Model, target: keras.Model
) -> list[tuple[keras.layers.Layer, keras.layers.Layer]]:
    """Pairs of layers with weights that two networks share, the source's and the target's.

    Layers match by name if the source has all names of the target. Else they match by order if both networks
    have the same kinds of layers in the same order, since Keras numbers layers without names. Else they match
    by the names that both have.
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
        ValueError: If no layer matches.

    Warns:
        UserWarning: Names layers without a match. The last one is left out, since another number of outputs
            changes its shape.
    """
    copied = []
    for old, new in matching_layers(source, target):
        weights = old.get_weights()
        if [weight.shape for weight in weights] == [weight.shape for weight in new.get_weights()]:
            new.set_weights(weights)
            copied.append(new.name)
    require(len(copied) > 0, "The network must share a layer with the previous one.")
    *before_last, _ = (layer.name for layer in target.layers if layer.weights)
    anew = [name for name in before_last if name not in copied]
    if anew:
        text = "These layers have no match in the previous network and start from new weights"
        warn(f"{text}: {', '.join(anew)}.")


def require_freezable(networks: Sequence[keras.Model], prefixes: Sequence[str]) -> None:
    """Check prefixes of layer names.

    Raises:
        ValueError: If a prefix matches no layer with weights of any network.
    """
    layers = [layer for network in networks for layer in network.layers if layer.weights]
    names = dict.fromkeys(layer.name for layer in layers)
    for prefix in prefixes:
        rule = f"`freeze` must hold prefixes of layer names: {', '.join(names)}."
        require(any(name.startswith(prefix) for name in names), rule, freeze=prefix)


@contextmanager
def frozen(network: keras.Model, prefixes: Sequence[str]) -> Iterator[None]:
    """Keep training from changing the layers whose names have one of the prefixes."""
    named = [layer for layer in network.layers if layer.name.startswith(tuple(prefixes))]
    chosen = [layer for layer in named if layer.weights and layer.trainable]
    for layer in chosen:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in chosen:
            layer.trainable = True


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Give a network all weights of one that differs in its mask alone.

    By layers, since a mask may put them in another order; weight by weight where kinds of layers differ.
    """
    pairs = matching_layers(source, target)
    if len(pairs) == sum(bool(layer.weights) for layer in target.layers):
        for trained, copy in pairs:
            copy.set_weights(trained.get_weights())
    else:
        target.set_weights(source.get_weights())
