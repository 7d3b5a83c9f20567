"""Squeeze-and-excitation computes equations 2 to 4 of SENet."""

import itertools
import re

import keras
import numpy as np
import pytest

from mlstm_fcn.layers import SqueezeExcite1D
from tests import oracles


def built(layer, channels):
    layer.build((None, None, channels))
    return layer


@pytest.mark.parametrize(
    ("squeeze", "gate"), list(itertools.product(["mean", "max"], ["sigmoid", "tanh", "relu"]))
)
def test_equals_the_equations_in_float64(squeeze, gate, rng):
    x = rng.normal(size=(4, 9, 8))
    layer = built(SqueezeExcite1D(4, squeeze=squeeze, gate=gate), 8)
    oracles.randomise(layer, rng)
    reduce, expand = (np.asarray(weight, np.float64) for weight in layer.get_weights())
    expected = oracles.squeeze_excite(x, reduce, expand, squeeze, gate)
    np.testing.assert_allclose(layer(x.astype("float32")), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "reduction", "hidden"), [(128, 16, 8), (10, 4, 2), (6, 16, 1), (1, 1, 1)]
)
def test_bottleneck_has_channels_over_ratio_units_at_least_one(channels, reduction, hidden):
    layer = built(SqueezeExcite1D(reduction), channels)
    assert layer.count_params() == 2 * channels * hidden


def test_biases_add_a_parameter_for_each_unit():
    layer = built(SqueezeExcite1D(4, use_bias=True), 8)
    assert layer.count_params() == 2 * 8 * 2 + 2 + 8


def test_zero_weights_halve_the_input_as_the_sigmoid_of_zero_does(rng):
    x = rng.normal(size=(2, 5, 4)).astype("float32")
    layer = SqueezeExcite1D(2, kernel_initializer="zeros")
    np.testing.assert_allclose(layer(x), x / 2)


def test_order_of_steps_does_not_matter_to_the_gates(rng):
    x = rng.normal(size=(2, 5, 4)).astype("float32")
    layer = built(SqueezeExcite1D(2), 4)
    oracles.randomise(layer, rng)
    np.testing.assert_allclose(layer.gates(x), layer.gates(x[:, ::-1]), atol=1e-6)
    assert not np.allclose(layer.gates(x), layer.gates(2 * x))


def test_the_two_kernels_start_apart_even_from_one_seeded_initializer():
    layer = built(SqueezeExcite1D(1, kernel_initializer=keras.initializers.HeNormal()), 4)
    reduce, expand = layer.get_weights()
    assert not np.allclose(reduce, expand)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reduction": 0}, "`reduction` must be a positive integer. Received: reduction=0"),
        ({"reduction": 2.0}, "`reduction` must be a positive integer. Received: reduction=2.0"),
        (
            {"squeeze": "men"},
            "`squeeze` must be one of 'mean', 'max'. Did you mean 'mean'? Received: squeeze='men'",
        ),
        ({"gate": "linear"}, "`gate` must be one of 'sigmoid', 'tanh', 'relu'. Received: gate='linear'"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        SqueezeExcite1D(**arguments)
