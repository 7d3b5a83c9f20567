"""Networks by name: a table of (builder, config), and one function that builds from it."""

from dataclasses import fields, replace
from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.models.lstm_fcn import LSTMFCNConfig as LSTMFCNConfig
from mlstm_fcn.models.lstm_fcn import lstm_fcn

__all__ = ["MODELS", "LSTMFCNConfig", "build", "config", "names"]

MODELS = {
    "fcn": (lstm_fcn, LSTMFCNConfig(recurrent=None, reduction=None)),
    "lstm_fcn": (lstm_fcn, LSTMFCNConfig(reduction=None)),
    "alstm_fcn": (lstm_fcn, LSTMFCNConfig(recurrent="attention_lstm", reduction=None)),
    "mlstm_fcn": (lstm_fcn, LSTMFCNConfig()),
    "malstm_fcn": (lstm_fcn, LSTMFCNConfig(recurrent="attention_lstm")),
}


def names() -> list[str]:
    """The names that `build` knows."""
    return list(MODELS)


def config(name: str, **options: Any) -> LSTMFCNConfig:
    """The config that `build` builds from, with the same arguments.

    Raises:
        ValueError: If the name or an option is unknown, or out of its range.
    """
    require_choice("name", name, MODELS)
    _, default = MODELS[name]
    known = [field.name for field in fields(default)]
    for option in options:
        require_choice("option", option, known)
    return replace(default, **{name: _plain(value) for name, value in options.items()})


def build(
    name: str,
    input_shape: tuple[int | None, int],
    n_classes: int,
    *,
    activation: str = "softmax",
    masked: bool = False,
    **options: Any,
) -> keras.Model:
    """Build a network.

    Args:
        name: One of `names()`.
        input_shape: `(time, channels)`; time may be None for series of any length, where the options
            do not need a fixed one (dimension shuffle and the flatten head do).
        n_classes: How many outputs the network has, at least 1.
        activation: Activation of the output, a name that Keras knows.
        masked: Whether the network takes a mask beside the series: its inputs are then `[series, mask]`,
            the mask a boolean tensor `(batch, time)` that is true at valid steps. What stands at other
            steps changes no output.
        **options: Fields of the network's config to change, such as `lstm_units=64`.

    Returns:
        An untrained model from `(batch, time, channels)` to `(batch, n_classes)`.

    Raises:
        ValueError: If the name, an option or a size is unknown or out of its range.

    Example:
        >>> build("mlstm_fcn", input_shape=(100, 6), n_classes=4).output_shape
        (None, 4)
    """
    chosen = config(name, **options)
    time, channels = _shape(input_shape)
    require_positive_int("n_classes", n_classes)
    builder, _ = MODELS[name]
    return builder(chosen, (time, channels), n_classes, activation=activation, masked=masked, name=name)


def _plain(value):
    """NumPy's numbers, as from a grid of settings, as Python's, which Keras wants."""
    return value.item() if isinstance(value, np.generic) else value


def _shape(input_shape):
    require(len(input_shape) == 2, "`input_shape` must be (time, channels).", input_shape=input_shape)
    time, channels = input_shape
    if time is not None:
        require_positive_int("time", time)
    require_positive_int("channels", channels)
    return time, channels
