"""The layer of random convolutions computes what oracles do, and reads no padding."""

import numpy as np
import pytest

from mlstm_fcn.layers import MiniRocket1D
from mlstm_fcn.layers.minirocket import POOLINGS, base_kernels


def adapted(series, lengths, thresholds=3, **options):
    layer = MiniRocket1D(2, thresholds, **options)
    layer.build(series.shape)
    layer.adapt(series, lengths, np.random.default_rng(0))
    return layer


def expected(layer, series):
    """The pooled features of one series `(time, channels)`, with loops."""
    kernel, offsets = (np.asarray(weight).astype(np.float64) for weight in (layer.kernel, layer.offsets))
    steps, margin = len(series), 4 * layer.dilation_rate
    padded = np.pad(series.astype(np.float64), ((margin, margin), (0, 0)))
    pooled = {name: [] for name in ("whole", "inner")}
    for number in range(84):
        outputs = np.array(
            [
                np.sum(padded[t : t + 2 * margin + 1 : layer.dilation_rate] * kernel[:, :, number])
                for t in range(steps)
            ]
        )
        half = "whole" if number < 42 else "inner"
        read = slice(None) if half == "whole" else slice(margin, max(margin, steps - margin))
        places = np.arange(steps)[read] / max(steps - 1, 1) - 0.5
        for offset in offsets[number]:
            above = np.maximum(outputs[read] - offset, 0)
            share = np.minimum(above / layer.ramp, 1)
            values = {"share": share, "mean": above, "moment": share * places}
            pooled[half].append([values[name].mean() if len(above) else 0.0 for name in layer.poolings])
    return np.concatenate([np.array(pooled[half]).T.ravel() for half in ("whole", "inner")])


@pytest.fixture
def series(rng):
    return rng.normal(size=(5, 30, 3)).astype(np.float32)


@pytest.mark.parametrize("poolings", [POOLINGS, ("moment", "share")])
def test_features_are_those_of_an_oracle(series, poolings):
    layer = adapted(series, np.full(5, 30), poolings=poolings, ramp=0.1)
    features = np.asarray(layer(series))
    assert features.shape == (5, 84 * 3 * len(poolings)) == layer.compute_output_shape((5, 30, 3))
    np.testing.assert_allclose(features, [expected(layer, one) for one in series], atol=1e-5)
    assert features.std() > 0.1


@pytest.mark.parametrize("length", [1, 5, 17, 25])
def test_padding_changes_no_feature(series, length):
    """Also of a series within which no kernel lies: 17 steps are what a kernel spans."""
    layer = adapted(series, np.full(5, 30), ramp=0.1)
    padded = series.copy()
    padded[:, length:] = 1e6
    masked = layer(padded, mask=np.tile(np.arange(30) < length, (5, 1)))
    np.testing.assert_allclose(masked, layer(series[:, :length]), atol=1e-5)
    np.testing.assert_allclose(masked, [expected(layer, one[:length]) for one in series], atol=1e-5)


def test_kernels_have_unit_variance_and_thresholds_are_quantiles_of_training_series(series):
    layer = adapted(1e3 * series, np.full(5, 30), thresholds=5)
    chosen = (np.asarray(layer.kernel) != 0).any(axis=0)
    assert set(chosen.sum(axis=0)) == {1, 2, 3}
    outputs = np.asarray(layer(1e3 * series)).reshape(5, 2, 3, 42, 5)
    shares = outputs[:, :, POOLINGS.index("share")].mean(axis=0)
    assert 0.4 < shares.mean() < 0.6
    assert shares.min(axis=-1).mean() < 0.25
    assert shares.max(axis=-1).mean() > 0.75


@pytest.mark.parametrize("n_channels", [1, 5])
def test_shares_are_those_of_aeon(rng, n_channels):
    kind = pytest.importorskip("aeon.transformations.collection.convolution_based").MiniRocket
    X = rng.integers(-20, 21, size=(12, n_channels, 60)).astype(np.float32)
    theirs = kind(n_kernels=2000, random_state=3).fit(X)
    counts, channels, dilations, n_features, biases = theirs.parameters
    channels, biases, ours = list(channels), list(biases), []
    for number, (dilation, thresholds) in enumerate(zip(dilations, n_features, strict=True)):
        layer = MiniRocket1D(
            int(dilation), int(thresholds), ("share",), ramp=1e-30, whole_first=number % 2 == 0
        )
        layer.build((None, None, n_channels))
        chosen = np.zeros((n_channels, 84), np.float32)
        for kernel, count in enumerate(counts[84 * number : 84 * (number + 1)]):
            chosen[channels[:count], kernel] = 1
            del channels[:count]
        offsets = np.array(biases[: 84 * thresholds]).reshape(84, thresholds)
        del biases[: 84 * thresholds]
        layer.kernel.assign((base_kernels()[:, None] * chosen)[:, :, layer.order])
        layer.offsets.assign(offsets[layer.order])
        features = np.empty((12, 84, thresholds))
        features[:, layer.order] = np.asarray(layer(np.swapaxes(X, 1, 2))).reshape(12, 84, thresholds)
        ours.append(features.reshape(12, -1))
    np.testing.assert_allclose(np.concatenate(ours, axis=1), theirs.transform(X), atol=1e-5)
