"""Convolution with batch normalisation equals its equations, in training, under a mask, and folded."""

import keras
import numpy as np
import pytest

from mlstm_fcn.layers import ConvNorm1D
from tests import oracles


@pytest.fixture
def layer(rng):
    """With weights and statistics that are all different."""
    layer = ConvNorm1D(5, 4, momentum=0.75)
    layer.build((None, None, 3))
    layer.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in layer.get_weights()])
    return layer


@pytest.fixture
def series(rng):
    return rng.normal(size=(6, 9, 3)).astype("float32")


def convolved(layer, series):
    return oracles.conv1d_same(
        series.astype(float), np.asarray(layer.conv.kernel), np.asarray(layer.conv.bias)
    )


def normalised(layer, u, mean, variance):
    return oracles.batch_norm(u, np.asarray(layer.norm.gamma), np.asarray(layer.norm.beta), mean, variance)


def test_folded_into_the_convolution_it_is_the_same(layer, series):
    mean, variance = np.asarray(layer.norm.moving_mean), np.asarray(layer.norm.moving_variance)
    expected = normalised(layer, convolved(layer, series), mean, variance)
    np.testing.assert_allclose(np.asarray(layer(series)), expected, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2)])
@pytest.mark.parametrize("kernel_size", [1, 3, 4])
def test_kernels_of_any_size_lie_where_the_equation_says(kernel_size, strides, dilation, groups, rng):
    layer, x = ConvNorm1D(6, kernel_size, strides, dilation, groups), rng.normal(size=(2, 8, 6))
    layer.build((None, None, 6))
    oracles.randomise(layer, rng)
    kernel, bias = np.asarray(layer.conv.kernel, float), np.asarray(layer.conv.bias, float)
    u = oracles.conv1d_same(x, kernel, bias, strides, dilation, groups)
    expected = normalised(layer, u, *map(np.asarray, (layer.norm.moving_mean, layer.norm.moving_variance)))
    np.testing.assert_allclose(np.asarray(layer(x.astype("float32"))), expected, atol=1e-4)


def test_training_uses_and_notes_the_statistics_of_the_batch(layer, series):
    u = convolved(layer, series)
    mean, variance = u.mean(axis=(0, 1)), u.var(axis=(0, 1))
    before = np.asarray(layer.norm.moving_mean), np.asarray(layer.norm.moving_variance)
    output = np.asarray(layer(series, training=True))
    np.testing.assert_allclose(output, normalised(layer, u, mean, variance), atol=1e-5)
    np.testing.assert_allclose(layer.norm.moving_mean, 0.75 * before[0] + 0.25 * mean, rtol=1e-5)
    np.testing.assert_allclose(layer.norm.moving_variance, 0.75 * before[1] + 0.25 * variance, rtol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_epsilon_is_added_to_the_variance_of_the_batch_and_to_the_moving_one(masked, layer, series):
    twin = ConvNorm1D.from_config({**layer.get_config(), "epsilon": 0.5})
    twin.build((None, None, 3))
    twin.set_weights(layer.get_weights())
    u, mask = convolved(layer, series), np.ones((6, 9), bool) if masked else None
    moving = np.asarray(twin.norm.moving_mean), np.asarray(twin.norm.moving_variance)
    for training, statistics in ((False, moving), (True, (u.mean(axis=(0, 1)), u.var(axis=(0, 1))))):
        expected = oracles.batch_norm(
            u, np.asarray(twin.norm.gamma), np.asarray(twin.norm.beta), *statistics, epsilon=0.5
        )
        np.testing.assert_allclose(
            np.asarray(twin(series, training=training, mask=mask)), expected, atol=1e-5
        )


@pytest.mark.parametrize("strides", [1, 2, 3])
def test_invalid_steps_enter_no_statistics(strides, layer, series):
    padded = np.concatenate([series, np.zeros((6, 4, 3), "float32")], axis=1)
    mask = np.broadcast_to(np.arange(13) < 9, (6, 13))
    strided, twin = (ConvNorm1D.from_config({**layer.get_config(), "strides": strides}) for _ in "ab")
    for copy in (strided, twin):
        copy.build((None, None, 3))
        copy.set_weights(layer.get_weights())
    masked, plain = strided(padded, training=True, mask=mask), np.asarray(twin(series, training=True))
    np.testing.assert_allclose(np.asarray(masked)[:, : plain.shape[1]], plain, atol=1e-5)
    for one, other in zip(strided.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_gradients_are_those_of_the_unfused_layers(layer, series, rng):
    target = rng.normal(size=(6, 9, 5)).astype("float32")

    def trained(make):
        inputs = keras.Input((9, 3))
        model = keras.Model(inputs, make(inputs))
        model.set_weights(layer.get_weights())
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.train_on_batch(series, target)
        return model.get_weights()

    def unfused(inputs):
        conv = keras.layers.Conv1D(5, 4, padding="same")
        return keras.layers.BatchNormalization(momentum=0.75, epsilon=1e-3)(conv(inputs))

    ours = trained(ConvNorm1D(5, 4, momentum=0.75))
    for one, other in zip(ours, trained(unfused), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_frozen_it_keeps_its_statistics(layer, series):
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_array_equal(np.asarray(layer(series, training=True)), np.asarray(layer(series)))
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_gradients_of_several_dilations_are_those_of_convolutions_side_by_side(layer, series, rng):
    """Also of the convolution that is written in rows, on TensorFlow."""
    target = rng.normal(size=(6, 9, 4)).astype("float32")
    kernel, bias = rng.normal(size=(3, 3, 4)).astype("float32"), np.zeros(4, "float32")

    def trained(make, *weights):
        inputs = keras.Input((9, 3))
        model = keras.Model(inputs, make(inputs))
        model.set_weights(weights)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.train_on_batch(series, target)
        return model.get_weights()

    def side_by_side(inputs):
        rates = {"padding": "same", "use_bias": False}
        convs = [keras.layers.Conv1D(2, 3, dilation_rate=rate, **rates)(inputs) for rate in (4, 2)]
        return keras.layers.BatchNormalization(momentum=0.75)(keras.layers.Concatenate()(convs))

    norm = [np.full(4, 1.5, "float32"), *np.zeros((2, 4), "float32"), np.ones(4, "float32")]
    ours = trained(ConvNorm1D(4, 3, dilation_rate=(4, 2), momentum=0.75), kernel, bias, *norm)
    theirs = trained(side_by_side, kernel[:, :, :2], kernel[:, :, 2:], *norm)
    np.testing.assert_allclose(ours[0], np.concatenate(theirs[:2], axis=2), atol=1e-5)
    for one, other in zip(ours[2:], theirs[2:], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [{"dilation_rate": ()}, {"dilation_rate": (1,) * 5}, {"dilation_rate": (2, 1), "groups": 2}],
    ids=str,
)
def test_several_dilations_need_a_filter_each_and_no_groups(options):
    with pytest.raises(ValueError, match=r"or at most `filters` integers with `groups=1`\. Received"):
        ConvNorm1D(4, 3, **options)


@pytest.mark.parametrize("arguments", [(0, 3), (4, 0), (4, 2.5)])
def test_sizes_must_be_positive(arguments):
    with pytest.raises(ValueError, match="must be a positive integer"):
        ConvNorm1D(*arguments)


@pytest.mark.parametrize(("strides", "dilation"), [(1, 1), (2, 1), (1, 3)])
def test_gradients_of_groups_are_those_of_layers_for_half_of_the_channels(series, strides, dilation, rng):
    """Also of what the groups read, here the output of another layer."""
    target = rng.normal(size=(6, len(range(0, 9, strides)), 6)).astype("float32")
    weights = [rng.normal(size=shape).astype("float32") for shape in ((3, 8), (8,), (3, 4, 6))]
    norm = [np.zeros(6), np.full(6, 1.5), *np.zeros((2, 6)), np.ones(6)]

    def trained(convolve, *weights):
        inputs = keras.Input((9, 3))
        model = keras.Model(inputs, convolve(keras.layers.Dense(8)(inputs)))
        model.set_weights(weights)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.train_on_batch(series, target)
        return model.get_weights()

    def halves(channels):
        parts = [keras.layers.Lambda(lambda u, i=i: u[..., 4 * i : 4 * i + 4])(channels) for i in (0, 1)]
        return keras.layers.Concatenate()([ConvNorm1D(3, 3, strides, dilation)(part) for part in parts])

    ours = trained(ConvNorm1D(6, 3, strides, dilation, groups=2), *weights, *norm)
    split = [half for i in (0, 1) for half in (np.split(w, 2, -1)[i] for w in (weights[2], *norm))]
    theirs = trained(halves, *weights[:2], *split)
    for one, other in zip(ours[:2], theirs[:2], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    for one, first, second in zip(ours[2:], theirs[2:8], theirs[8:], strict=True):
        np.testing.assert_allclose(one, np.concatenate([first, second], axis=-1), atol=1e-5)
