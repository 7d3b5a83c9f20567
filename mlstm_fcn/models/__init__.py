"""Networks by name: a table of (builder, config), and one function that builds from it."""

import mlstm_fcn.engine.start  # noqa: F401  (first, since it imports Keras quietly)

# isort: split
from dataclasses import fields, replace
from typing import Any

import keras
import numpy as np

from mlstm_fcn import engine
from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.models.counting import Cost as Cost
from mlstm_fcn.models.counting import cost as cost
from mlstm_fcn.models.efficientnet import EfficientNetConfig as EfficientNetConfig
from mlstm_fcn.models.efficientnet import efficientnet
from mlstm_fcn.models.inception import InceptionConfig as InceptionConfig
from mlstm_fcn.models.inception import inception
from mlstm_fcn.models.lstm_fcn import LSTMFCNConfig as LSTMFCNConfig
from mlstm_fcn.models.lstm_fcn import lstm_fcn
from mlstm_fcn.models.mlp import MLPConfig as MLPConfig
from mlstm_fcn.models.mlp import mlp
from mlstm_fcn.models.multirocket import MultiRocketConfig as MultiRocketConfig
from mlstm_fcn.models.multirocket import multirocket
from mlstm_fcn.models.options import LearnedConfig as LearnedConfig
from mlstm_fcn.models.options import NetworkConfig as NetworkConfig
from mlstm_fcn.models.residual import ResidualConfig as ResidualConfig
from mlstm_fcn.models.residual import residual
from mlstm_fcn.models.selective import SelectiveConfig as SelectiveConfig
from mlstm_fcn.models.selective import sk_mlstm_fcn
from mlstm_fcn.models.vgg import VGGConfig as VGGConfig
from mlstm_fcn.models.vgg import vgg

__all__ = [
    "MODELS",
    "Cost",
    "EfficientNetConfig",
    "InceptionConfig",
    "LSTMFCNConfig",
    "LearnedConfig",
    "MLPConfig",
    "MultiRocketConfig",
    "NetworkConfig",
    "ResidualConfig",
    "SelectiveConfig",
    "VGGConfig",
    "build",
    "config",
    "cost",
    "names",
]

_RESNEXT = ResidualConfig(
    filters=(128, 256, 256),
    inner_filters=(64, 128, 128),
    units=(2, 2, 2),
    kernel_sizes=(1, 7, 1),
    cardinality=8,
)

MODELS = {
    "mlp": (mlp, MLPConfig()),
    "fcn": (lstm_fcn, LSTMFCNConfig(recurrent=None, reduction=None)),
    "lstm_fcn": (lstm_fcn, LSTMFCNConfig(reduction=None)),
    "alstm_fcn": (lstm_fcn, LSTMFCNConfig(recurrent="attention_lstm", reduction=None)),
    "mlstm_fcn": (lstm_fcn, LSTMFCNConfig()),
    "malstm_fcn": (lstm_fcn, LSTMFCNConfig(recurrent="attention_lstm")),
    "sk_mlstm_fcn": (sk_mlstm_fcn, SelectiveConfig()),
    "vgg": (vgg, VGGConfig(reduction=None)),
    "se_vgg": (vgg, VGGConfig()),
    "inception": (inception, InceptionConfig(reduction=None)),
    "se_inception": (inception, InceptionConfig()),
    "resnet": (residual, ResidualConfig(reduction=None)),
    "se_resnet": (residual, ResidualConfig()),
    "resnext": (residual, replace(_RESNEXT, reduction=None)),
    "se_resnext": (residual, _RESNEXT),
    "sknet": (residual, replace(_RESNEXT, reduction=None, selective_branches=2)),
    "efficientnet": (efficientnet, EfficientNetConfig()),
    "multirocket": (multirocket, MultiRocketConfig()),
}
"""The builder and the default config of each network, by name.

A builder takes the config, the series, a tensor `(batch, time, channels)`, and a mask, a boolean tensor
`(batch, time)` that is true at valid steps, or None. It returns the features, `(batch, features)`, to which
`build` adds the output layer.
"""


def names() -> list[str]:
    """The names that `build` takes."""
    return list(MODELS)


def config(name: str, **options: Any) -> NetworkConfig:
    """The config of a network, with some options changed.

    Raises:
        ValueError: If the name or an option is unknown, or a value is out of its range.
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
        input_shape: `(time, channels)`; time may be None, for series of any length, unless an option
            requires a fixed length (dimension shuffle and the flatten head do).
        n_classes: Number of outputs, at least 1.
        activation: Name of the output's Keras activation.
        masked: Whether the inputs are `[series, mask]`. The mask is a boolean tensor `(batch, time)` that is
            true at valid steps. The values at other steps do not change the output.
        **options: Fields of the network's config to change, such as `lstm_units=64`.

    Returns:
        An untrained model from `(batch, time, channels)` to `(batch, n_classes)`.

    Raises:
        ValueError: If the name or an option is unknown, or a value is out of its range.
        RuntimeError: If the process is a fork of one in which the backend has run.

    Example:
        >>> build("mlstm_fcn", input_shape=(100, 6), n_classes=4).output_shape
        (None, 4)
    """
    engine.ready()
    chosen = config(name, **options)
    time, channels = _shape(input_shape)
    require_positive_int("n_classes", n_classes)
    chosen.require_shape(time, channels)
    series = keras.Input((time, channels), name="series")
    mask = keras.Input((time,), dtype="bool", name="mask") if masked else None
    builder: Any = MODELS[name][0]
    output = keras.layers.Dense(n_classes, activation=activation, dtype="float32", name="output")
    inputs = [series, mask] if masked else series
    return keras.Model(inputs, output(builder(chosen, series, mask)), name=name)


def _plain(value):
    """Convert NumPy's numbers, as from a parameter grid, to Python's, which Keras requires."""
    return value.item() if isinstance(value, np.generic) else value


def _shape(input_shape):
    require(len(input_shape) == 2, "`input_shape` must be (time, channels).", input_shape=input_shape)
    time, channels = input_shape
    if time is not None:
        require_positive_int("time", time)
    require_positive_int("channels", channels)
    return time, channels
