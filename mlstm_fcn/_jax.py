"""The fast paths for JAX, whose convolutions are the fastest on CPUs; nothing else names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def is_backend() -> bool:
    """Whether Keras runs on JAX."""
    import keras

    return bool(keras.config.backend() == "jax")


def on_device(arrays: Sequence[Any]) -> list[Any]:
    """Arrays where JAX computes."""
    import jax

    return [jax.device_put(array) for array in arrays]


def compiled(step: Callable[..., Any], variables: Sequence[Sequence[Any]]) -> Callable[[Any, Any], Any]:
    """A Keras model's pure step as a function of cases, compiled for each number of cases.

    Keras' own `train_on_batch` moves each batch to the device, and collects the variables in more steps.

    Args:
        step: The model's `train_step` or `test_step`, a function of a state and data.
        variables: The Keras variables that the state consists of; they are up to date after each call.

    Returns:
        A function from inputs, targets and sample weights of all cases, and indices of some, to the logs.
    """
    import jax

    @jax.jit
    def run(state: Any, data: Any, cases: Any) -> Any:
        *inputs, targets, sample_weight = (array[cases] for array in data)
        return step(state, (inputs[0] if len(inputs) == 1 else inputs, targets, sample_weight))

    def call(data: Any, cases: Any) -> Any:
        logs, state = run([[variable.value for variable in group] for group in variables], data, cases)
        for group, values in zip(variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return logs

    return call


def inference(call: Callable[..., Any]) -> Callable[..., Any]:
    """A pure function of weights and series, compiled for each shape of series."""
    import jax

    return jax.jit(call)
