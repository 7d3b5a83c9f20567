"""Several networks as one."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from mlstm_fcn.layers import WeightedVote

_VOTE = "soft_vote"


def ensemble(networks: Sequence[keras.Model], shares: Sequence[float] | None = None) -> keras.Model:
    """The mean of the outputs of several networks; of probabilities, a soft vote.

    Args:
        networks: Networks with the same inputs and outputs.
        shares: The weight of each, with sum 1; None for equal weights.

    Returns:
        A network with the given ones as the layers `member_1`, `member_2`, ...; a single network is returned
        unchanged.
    """
    first, *rest = networks
    if not rest:
        return first
    inputs = [keras.Input(given.shape[1:], dtype=given.dtype, name=given.name) for given in first.inputs]
    arguments = inputs if len(inputs) > 1 else inputs[0]
    votes = [
        keras.Model(network.input, network.output, name=f"member_{number}")(arguments)
        for number, network in enumerate(networks, 1)
    ]
    if shares is None:
        vote = keras.layers.Average(dtype="float32", name=_VOTE)
    else:
        vote = WeightedVote(tuple(shares), dtype="float32", name=_VOTE)
    return keras.Model(arguments, vote(votes), name=f"{first.name}_ensemble")


def members(network: keras.Model) -> list[keras.Model]:
    """The members of an ensemble; a network that is not an ensemble is its own only member."""
    if network.layers[-1].name != _VOTE:
        return [network]
    return [layer for layer in network.layers if isinstance(layer, keras.Model)]


def shares(network: keras.Model) -> tuple[float, ...] | None:
    """The weights of the members of an ensemble; None where they are equal."""
    vote = network.layers[-1]
    return vote.shares if isinstance(vote, WeightedVote) else None
