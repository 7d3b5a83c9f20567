"""The networks of the table, and options that make each small and quick."""

import keras
import pytest

from mlstm_fcn import models

TWINS = ("fcn", "lstm_fcn", "alstm_fcn", "vgg", "inception", "resnet", "se_resnext")
"""Networks whose parts all stand in others too; what tests every network has them among the slow tests."""


def networks(*but):
    """Names for `pytest.mark.parametrize`."""
    names = [name for name in models.names() if name not in but]
    return [pytest.param(name, marks=pytest.mark.slow) if name in TWINS else name for name in names]


STACK = {"filters": (8, 16, 8), "lstm_units": 3}
UNITS = {"filters": (8, 12), "units": (1, 2), "strides": (1, 2)}
GROUPED = {"inner_filters": (8, 8), "cardinality": 4, "kernel_sizes": (1, 3, 1)}
MODULES = {"filters": 4, "bottleneck": 5, "kernel_sizes": (9, 4, 3), "depth": 3}
INVERTED = {"stem": 8, "filters": (8, 10), "units": (1, 2), "strides": (1, 2), "kernel_sizes": (3, 4)}
SMALL = {
    "mlp": {"units": (8, 6), "dropouts": (0.1, 0.1, 0.1)},
    "inception": MODULES,
    "se_inception": MODULES,
    "resnet": UNITS,
    "se_resnet": UNITS,
    "resnext": UNITS | GROUPED,
    "se_resnext": UNITS | GROUPED,
    "sknet": UNITS | GROUPED,
    "efficientnet": {**INVERTED, "expansions": (1, 2), "top": 16, "phi": 1},
    "multirocket": {"n_thresholds": 168, "max_dilations": 2},
}


def small_options(name, **options):
    """Options for a small network, and others as far as it has them (reduction, where it has SE)."""
    config = models.config(name)
    options = {"reduction": 4, "dimension_shuffle": "auto", **SMALL.get(name, STACK), **options}
    if getattr(config, "reduction", None) is None:
        options.pop("reduction")
    if name == "mlp":
        options.pop("head", None)
    return {option: value for option, value in options.items() if hasattr(config, option)}


class Own(keras.layers.Layer):
    """A layer of a user."""

    def call(self, inputs):
        return inputs


def with_own_layer(input_shape, n_outputs):
    """A network with it, as a function for `NetworkClassifier`."""
    series = keras.Input(input_shape)
    output = keras.layers.Dense(n_outputs, "softmax")(keras.layers.Flatten()(Own()(series)))
    return keras.Model(series, output)
