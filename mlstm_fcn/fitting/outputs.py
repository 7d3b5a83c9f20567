"""What a network of the user must give out, which nothing but a trial tells."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require

_SOME_STEPS = 50  # where the network reads any number of them


def require_outputs(network: keras.Model, activation: str) -> None:
    """Raise unless the network of a classifier gives probabilities, tried on two random series.

    Args:
        network: From series, or `[series, mask]`, to outputs.
        activation: `"softmax"`: the outputs must be probabilities of classes; `"sigmoid"`: each must be a
            probability; any other: no rule.

    Raises:
        ValueError: If an output is not in [0, 1], or those of a series do not sum to 1, or must not.
    """
    if activation not in ("softmax", "sigmoid"):
        return
    outputs = _outputs_of_two(network)
    in_range = bool(((outputs >= 0) & (outputs <= 1.01)).all())
    sums, even = outputs.sum(axis=1), np.allclose(outputs, 0.5)
    good = np.allclose(sums, 1, atol=0.01) if activation == "softmax" else even or not np.allclose(sums, 1)
    rule = (
        "The outputs of a classifier's network must be probabilities: end it with "
        f"`activation='{activation}'`, which a function may take as `activation`."
    )
    require(in_range and good, rule, outputs=outputs[0].round(3).tolist())


def _outputs_of_two(network: keras.Model) -> np.ndarray:
    inputs: list[Any] = []
    for one in network.inputs:
        shape = [2, *(size or _SOME_STEPS for size in one.shape[1:])]
        is_mask = len(shape) == 2
        inputs.append(np.ones(shape, bool) if is_mask else np.random.default_rng(0).normal(size=shape))
    outputs = network(inputs if len(inputs) > 1 else inputs[0], training=False)
    values: np.ndarray = keras.ops.convert_to_numpy(outputs).astype(np.float64)
    return values
