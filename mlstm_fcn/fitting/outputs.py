"""What a network of the user must give out."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require

_SOME_STEPS = 50  # where the network reads any number of them


def require_outputs(network: keras.Model, activation: str) -> None:
    """Raise unless an untrained network gives what its task takes, tried on two random series.

    Args:
        network: From series, or `[series, mask]`, to outputs.
        activation: What the outputs must have gone through: `"softmax"` or `"linear"`.

    Raises:
        ValueError: If outputs are no probabilities, where they must be; or are always 1, where they must not.
    """
    outputs = _outputs_of_two(network)
    shown = outputs[0].round(3).tolist()
    if activation == "softmax":
        rule = (
            "The outputs of a classifier's network must be probabilities: end it with `activation='softmax'`. "
            "A function may take `activation`, for its last layer."
        )
        sums = outputs.sum(axis=1)
        good = bool((outputs >= 0).all()) and np.allclose(sums, 1, atol=0.01)
        require(good, rule, outputs=shown)
    else:
        rule = "The output of a regressor's network must be able to be any number: end it without softmax."
        require(not (outputs == 1).all(), rule, outputs=shown)


def _outputs_of_two(network: keras.Model) -> np.ndarray:
    inputs: list[Any] = []
    for one in network.inputs:
        shape = [2, *(size or _SOME_STEPS for size in one.shape[1:])]
        is_mask = len(shape) == 2
        inputs.append(np.ones(shape, bool) if is_mask else np.random.default_rng(0).normal(size=shape))
    outputs = network(inputs if len(inputs) > 1 else inputs[0], training=False)
    values: np.ndarray = keras.ops.convert_to_numpy(outputs).astype(np.float64)
    return values
