"""What a network of the user must give out, which nothing but a trial tells."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require

_SOME_STEPS = 50  # where the network reads any number of them


def require_probabilities(network: keras.Model) -> None:
    """Raise unless the network of a classifier gives probabilities, tried on two random series.

    Args:
        network: From series, or `[series, mask]`, to outputs.

    Raises:
        ValueError: If an output is negative, or those of a series do not sum to 1.
    """
    outputs = _outputs_of_two(network)
    rule = (
        "The outputs of a classifier's network must be probabilities: end it with `activation='softmax'`, "
        "which a function may take as `activation`."
    )
    good = bool((outputs >= 0).all()) and np.allclose(outputs.sum(axis=1), 1, atol=0.01)
    require(good, rule, outputs=outputs[0].round(3).tolist())


def _outputs_of_two(network: keras.Model) -> np.ndarray:
    inputs: list[Any] = []
    for one in network.inputs:
        shape = [2, *(size or _SOME_STEPS for size in one.shape[1:])]
        is_mask = len(shape) == 2
        inputs.append(np.ones(shape, bool) if is_mask else np.random.default_rng(0).normal(size=shape))
    outputs = network(inputs if len(inputs) > 1 else inputs[0], training=False)
    values: np.ndarray = keras.ops.convert_to_numpy(outputs).astype(np.float64)
    return values
