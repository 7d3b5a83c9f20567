"""The hosts: each equals its equations in float64 NumPy, and costs what the equations say."""

from functools import partial
from math import ceil

import numpy as np
import pytest

from mlstm_fcn import layers, models
from mlstm_fcn.models.blocks import max_pool
from mlstm_fcn.models.efficientnet import EfficientNetConfig
from tests import oracles
from tests.oracles import conv_norm, randomise, silu, squeeze_excite, weights_by_layer

CHANNELS, CLASSES = 6, 4


@pytest.fixture
def series(rng):
    return rng.normal(size=(3, 20, CHANNELS)).astype("float32")


def relu(x):
    return np.maximum(x, 0)


def built(name, rng, **options):
    """A network with random weights, and those by layer."""
    model = models.build(name, (20, CHANNELS), CLASSES, **options)
    randomise(model, rng)
    return model, weights_by_layer(model)


def gated(u, weights):
    return squeeze_excite(u, weights["reduce/kernel"], weights["expand/kernel"])


def probabilities(features, weights):
    return oracles.softmax(features @ weights["output"]["kernel"] + weights["output"]["bias"])


@pytest.mark.parametrize(
    "options",
    [
        {"strides": 3},
        {"dilation_rate": 2},
        {"dilation_rate": (4, 2, 1)},
        {"dilation_rate": (3, 3, 1)},
        {"dilation_rate": 30},
        {"groups": 6},
        *({"groups": groups, "strides": 2, "dilation_rate": 3} for groups in (1, 2, 6)),
    ],
)
@pytest.mark.parametrize("kernel_size", [1, 4])
def test_convolution_equals_its_equation(options, kernel_size, series, rng):
    layer = layers.ConvNorm1D(6, kernel_size, **options)
    layer(series)
    randomise(layer, rng)
    weights = {w.path.partition(f"{layer.name}/")[2]: np.asarray(w.value, float) for w in layer.weights}
    sizes = {name.removesuffix("_rate"): value for name, value in options.items()}
    np.testing.assert_allclose(layer(series), conv_norm(series, weights, **sizes), rtol=1e-4, atol=1e-4)


def test_selective_kernels_equal_their_equations(series, rng):
    layer = layers.SelectiveKernel1D(4, 3, branches=3, groups=2, reduction=2, minimum=3)
    layer(series)
    randomise(layer, rng)
    weights = {w.path.partition(f"{layer.name}/")[2]: np.asarray(w.value, float) for w in layer.weights}
    output, shares = oracles.selective_kernel(series, weights, branches=3, groups=2)
    np.testing.assert_allclose(layer(series), output, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(layer.branch_weights(series), shares, atol=1e-5)
    np.testing.assert_allclose(np.sum(layer.branch_weights(series), axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("integration", ["standard", "pre", "post", "identity"])
def test_residual_units_equal_their_equations(integration, series, rng):
    """Two units: one with a projection and a stride, one with the identity as its shortcut."""
    options = {"filters": (8,), "units": (2,), "strides": (2,), "kernel_sizes": (3, 4), "reduction": 2}
    model, w = built("se_resnet", rng, integration=integration, **options)
    x = series.astype(float)
    for unit in (1, 2):
        strides = 2 if unit == 1 else 1
        se = partial(gated, weights=w[f"squeeze_excite_1_{unit}"])
        shortcut = conv_norm(x, w["shortcut_1_1"], strides=2) if unit == 1 else x
        u = se(x) if integration == "pre" else x
        u = relu(conv_norm(u, w[f"conv_1_{unit}_1"], strides=strides))
        u = conv_norm(u, w[f"conv_1_{unit}_2"])
        u = se(u) if integration == "standard" else u
        shortcut = se(shortcut) if integration == "identity" else shortcut
        x = relu(u + shortcut)
        x = se(x) if integration == "post" else x
    expected = probabilities(x.mean(axis=1), w)
    np.testing.assert_allclose(model.predict(series, verbose=0), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["resnext", "sknet"])
def test_grouped_and_selective_units_equal_their_equations(name, series, rng):
    options = {"filters": (8,), "inner_filters": (4,), "units": (1,), "strides": (1,), "cardinality": 2}
    model, w = built(name, rng, kernel_sizes=(1, 5, 1), **options)
    u = relu(conv_norm(series, w["conv_1_1_1"]))
    if name == "sknet":
        u, _ = oracles.selective_kernel(u, w["selective_kernel_1_1_2"], branches=2, groups=2)
    else:
        u = relu(conv_norm(u, w["conv_1_1_2"], groups=2))
    x = relu(conv_norm(u, w["conv_1_1_3"]) + conv_norm(series, w["shortcut_1_1"]))
    expected = probabilities(x.mean(axis=1), w)
    np.testing.assert_allclose(model.predict(series, verbose=0), expected, atol=1e-5)


def test_inverted_bottlenecks_equal_their_equations(series, rng):
    sizes = {"filters": (8,), "expansions": (3,), "units": (2,), "strides": (2,), "kernel_sizes": (5,)}
    model, w = built("efficientnet", rng, stem=16, top=8, **sizes)
    x = silu(conv_norm(series, w["conv_stem"]))
    for unit in (1, 2):
        names = ("conv_widen", "conv_depthwise", "squeeze_excite", "narrow")
        parts = [w[f"{part}_1_{unit}"] for part in names]
        x = oracles.inverted_bottleneck(x, *parts, strides=2 if unit == 1 else 1)
    expected = probabilities(silu(conv_norm(x, w["conv_top"])).mean(axis=1), w)
    np.testing.assert_allclose(model.predict(series, verbose=0), expected, atol=1e-5)


def test_inception_equals_its_equations(series, rng):
    sizes = {"filters": 2, "kernel_sizes": (6, 3), "bottleneck": 4, "depth": 4, "shortcut_every": 2}
    model, w = built("se_inception", rng, reduction=3, **sizes)
    x = shortcut = series.astype(float)
    for module in ("1", "2", "3", "4"):
        narrow = x @ w[f"bottleneck_{module}"]["kernel"][0]
        padded = np.pad(x, ((0, 0), (1, 1), (0, 0)), constant_values=-np.inf)
        highest = np.max([padded[:, shift : shift + x.shape[1]] for shift in range(3)], axis=0)
        branches = [conv_norm(narrow, w[f"conv_{module}_{branch}"]) for branch in (1, 2)]
        x = relu(np.concatenate([*branches, conv_norm(highest, w[f"conv_{module}_max"])], axis=2))
        x = gated(x, w[f"squeeze_excite_{module}"])
        if module in ("2", "4"):
            x = shortcut = relu(x + conv_norm(shortcut, w[f"shortcut_{module}"]))
    expected = probabilities(x.mean(axis=1), w)
    np.testing.assert_allclose(model.predict(series, verbose=0), expected, atol=1e-5)


def test_a_single_channel_has_no_bottleneck():
    names = {layer.name for layer in models.build("inception", (12, 1), 2, depth=2).layers}
    assert "bottleneck_1" not in names
    assert "bottleneck_2" in names


def test_selective_stack_equals_its_equations(series, rng):
    sizes = {"filters": (4, 8), "kernel_sizes": (3, 2), "recurrent": None, "dilation_rates": None}
    model, w = built("sk_mlstm_fcn", rng, selective_branches=3, reduction=2, **sizes)
    x = series.astype(float)
    for block in (1, 2):
        x, _ = oracles.selective_kernel(x, w[f"selective_kernel_{block}"], branches=3)
        x = gated(x, w[f"squeeze_excite_{block}"])
    expected = probabilities(x.mean(axis=1), w)
    np.testing.assert_allclose(model.predict(series, verbose=0), expected, atol=1e-5)


def test_vgg_equals_its_equations(series, rng):
    sizes = {"filters": (4, 8), "kernel_sizes": (3, 2), "convolutions": 2, "reduction": 2}
    model, w = built("se_vgg", rng, pool_size=3, **sizes)
    x = series.astype(float)
    for block in (1, 2):
        for convolution in (1, 2):
            x = relu(conv_norm(x, w[f"conv_{block}_{convolution}"]))
            x = gated(x, w[f"squeeze_excite_{block}_{convolution}"])
        starts = range(0, x.shape[1], 3)
        padded = np.pad(x, ((0, 0), (0, 2), (0, 0)), constant_values=-np.inf)
        x = np.stack([padded[:, start : start + 3].max(axis=1) for start in starts], axis=1)
    expected = probabilities(x.mean(axis=1), w)
    np.testing.assert_allclose(model.predict(series, verbose=0), expected, atol=1e-5)


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_windows_of_a_maximum_are_centred_at_each_step(size, series):
    """Of an even number, one step more comes after it."""
    pooled = np.asarray(max_pool(series, None, size=size, strides=1, name="it"))
    before, steps = (size - 1) // 2, series.shape[1]
    for t in range(steps):
        window = series[:, max(0, t - before) : t - before + size]
        np.testing.assert_array_equal(pooled[:, t], window.max(axis=1))


@pytest.mark.parametrize("strides", [1, 3])
def test_a_maximum_of_negative_values_is_not_that_of_the_padding(strides):
    series = -np.arange(1.0, 11.0, dtype="float32")[None, :, None]
    mask = np.arange(10)[None] < 6
    pooled = np.asarray(max_pool(series, mask, size=3, strides=strides, name="it"))
    expected = [-1, -1, -2, -3, -4, -5] if strides == 1 else [-1, -4]
    np.testing.assert_array_equal(pooled[0, : len(expected), 0], expected)


def test_resampling_is_linear_interpolation(series):
    longer = np.asarray(layers.ResampleTime(2.5)(series))
    places = np.minimum(np.arange(50) / 2.5, 19)
    expected = [[np.interp(places, np.arange(20), channel) for channel in case.T] for case in series]
    np.testing.assert_allclose(longer, np.swapaxes(expected, 1, 2), atol=1e-5)


# Parameters by closed form: a convolution has bias and four numbers of batch normalisation for each filter.


def conv(size, channels, filters, groups=1):
    return size * channels * filters // groups + 5 * filters


def gates(channels, reduction=16):
    return 2 * channels * max(1, channels // reduction)


def unit(channels, filters, kernels=(8, 5, 3)):
    widths = [channels, *[filters] * len(kernels)]
    own = sum(conv(size, *widths[i : i + 2]) for i, size in enumerate(kernels))
    return own + (conv(1, channels, filters) if channels != filters else 0)


def grouped_unit(channels, filters, inner, middle):
    own = conv(1, channels, inner) + middle(inner) + conv(1, inner, filters)
    return own + (conv(1, channels, filters) if channels != filters else 0)


def grouped_network(middle):
    widths = [(CHANNELS, 128, 64), (128, 128, 64), (128, 256, 128), *[(256, 256, 128)] * 3]
    return sum(grouped_unit(*width, middle) for width in widths)


def selective(inner):
    width = max(inner // 16, 32)
    return 2 * conv(7, inner, inner, 8) + inner * width + 4 * width + width * 2 * inner


def module(channels):
    own = sum(conv(size, 32, 32) for size in (40, 20, 10))
    return channels * 32 + own + conv(1, channels, 32)


def bottlenecks():
    stages = [(32, 16, 1, 1, 3), (16, 24, 6, 2, 3), (24, 40, 6, 2, 5), (40, 80, 6, 3, 3)]
    total = 0
    for channels, filters, widen, units, size in stages:
        for _ in range(units):
            wide = channels * widen
            total += conv(1, channels, wide) * (widen > 1) + conv(size, wide, wide, wide)
            total += 2 * wide * (channels // 4) + conv(1, wide, filters)
            channels = filters
    return conv(3, CHANNELS, 32) + total + conv(1, 80, 320)


STACK = sum(conv(*sizes) for sizes in [(3, CHANNELS, 64), (3, 64, 64), (3, 64, 128), (3, 128, 128)])
STACK += conv(3, 128, 256) + conv(3, 256, 256)
MODULES = module(CHANNELS) + 5 * module(128) + conv(1, CHANNELS, 128) + conv(1, 128, 128)
UNITS = unit(CHANNELS, 64) + unit(64, 128) + unit(128, 128)
RESNEXT = grouped_network(lambda inner: conv(7, inner, inner, 8))

PARAMETERS = {
    "mlp": (20 * CHANNELS + 1) * 500 + 2 * 501 * 500,
    "vgg": STACK,
    "se_vgg": STACK + 2 * (gates(64) + gates(128) + gates(256)),
    "inception": MODULES,
    "se_inception": MODULES + 6 * gates(128),
    "resnet": UNITS,
    "se_resnet": UNITS + gates(64) + 2 * gates(128),
    "resnext": RESNEXT,
    "se_resnext": RESNEXT + 2 * gates(128) + 4 * gates(256),
    "sknet": grouped_network(selective),
    "efficientnet": bottlenecks(),
}
FEATURES = {"mlp": 500, "efficientnet": 320, "vgg": 256, "se_vgg": 256}
FEATURES |= dict.fromkeys(["resnext", "se_resnext", "sknet"], 256)


@pytest.mark.parametrize("name", PARAMETERS)
def test_number_of_parameters_is_that_of_the_equations(name):
    model = models.build(name, (20, CHANNELS), CLASSES)
    output = (FEATURES.get(name, 128) + 1) * CLASSES
    assert model.count_params() == PARAMETERS[name] + output


def test_every_host_has_as_many_parameters_as_it_says():
    """About 0.1 to 2 million at the default, for series of 100 steps and 6 channels."""
    for name in models.names():
        assert 1e5 < models.cost(models.build(name, (100, 6), 4)).parameters < 2e6, name


def test_phi_scales_depth_width_and_length_as_the_paper_rounds_them():
    one, two = (EfficientNetConfig(phi=phi) for phi in (1, 2))
    assert [one.depth(units) for units in (1, 2, 5)] == [2, 3, 6]  # of 1.2, 2.4 and 6
    assert [two.width(filters) for filters in (16, 24, 32)] == [24, 32, 40]  # of 19.36, 29.04 and 38.72
    assert one.width(24) == 24  # of 26.4, of which it is more than 90 %
    stages = {"filters": (8,), "units": (1,), "strides": (1,), "expansions": (1,), "kernel_sizes": (3,)}
    for phi in (1, 2):
        network = models.build("efficientnet", (100, 6), 4, phi=phi, **stages)
        assert network.get_layer("resample").factor == pytest.approx(1.15 ** (2 * phi))


def test_phi_doubles_the_operations_of_efficientnet():
    """About: filters are rounded to multiples of eight, and numbers of layers up."""
    flops = [models.cost(models.build("efficientnet", (400, 6), 4, phi=phi)).flops for phi in range(4)]
    ratios = np.divide(flops[1:], flops[:-1])
    assert ((ratios > 1.5) & (ratios < 2.7)).all(), ratios
    assert (flops[3] / flops[0]) ** (1 / 3) == pytest.approx(1.95, abs=0.25)
    config = EfficientNetConfig(phi=2)
    assert (config.depth(2), config.width(32)) == (ceil(2 * 1.2**2), 40)
