"""Several networks as one."""

from __future__ import annotations

from collections.abc import Sequence

import keras

_VOTE = "soft_vote"


def ensemble(networks: Sequence[keras.Model]) -> keras.Model:
    """The mean of what several networks give: of probabilities, a soft vote.

    Args:
        networks: Networks with the same inputs and outputs.

    Returns:
        A network that has theirs as its members, `member_1` and so on; a network alone is returned as it is.
    """
    first, *others = networks
    if not others:
        return first
    inputs = [keras.Input(part.shape[1:], dtype=part.dtype, name=part.name) for part in first.inputs]
    read = inputs if len(inputs) > 1 else inputs[0]
    votes = [
        keras.Model(network.input, network.output, name=f"member_{number}")(read)
        for number, network in enumerate(networks, 1)
    ]
    vote = keras.layers.Average(dtype="float32", name=_VOTE)(votes)
    return keras.Model(read, vote, name=f"{first.name}_ensemble")


def members(network: keras.Model) -> list[keras.Model]:
    """The networks of an ensemble; of another network, that one."""
    if network.layers[-1].name != _VOTE:
        return [network]
    return [layer for layer in network.layers if isinstance(layer, keras.Model)]
