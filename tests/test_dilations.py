"""Dilations of the convolution blocks: given, or following the length of the series."""

import keras
import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, Recipe, models
from mlstm_fcn.layers import ConvNorm1D, SelectiveKernel1D
from mlstm_fcn.models.pipeline import split
from tests.quick_fit import fit

SMALL = {"filters": (4, 6, 4), "lstm_units": 3, "reduction": 2}
FCN = {"filters": (4, 6, 4)}


def rates(network):
    return [layer.dilation_rate for layer in network.layers if isinstance(layer, ConvNorm1D)]


@pytest.mark.parametrize(
    ("given", "time", "expected"),
    [
        (None, 152, (1, 1, 1)),
        ((1, 3, 9), 152, (1, 3, 9)),
        (0.5, 8, (1, 2, 4)),  # never less than 1
        (0.5, 51, (1, 2, 4)),  # 24 of 51 steps
        (0.5, 70, (1, 2, 4)),  # 35 steps are 1 + 1.48 * 23
        (0.5, 152, (3, 6, 12)),  # 70 of 152 steps
        (1.0, 152, (7, 14, 28)),  # 162 of 152 steps
        (0.5, None, (1, 2, 4)),
    ],
)
def test_dilations_are_as_given_or_follow_the_length(given, time, expected):
    assert models.LSTMFCNConfig(dilation_rates=given).dilations(time) == expected


def test_each_block_has_its_own_dilation():
    assert rates(models.build("mlstm_fcn", (60, 2), 3, dilation_rates=(2, 3, 5), **SMALL)) == [2, 3, 5]
    assert rates(models.build("mlstm_fcn", (60, 2), 3, dilation_rates=None, **SMALL)) == [1, 1, 1]


@pytest.mark.parametrize("name", models.names())
def test_the_default_is_half_of_the_series_for_networks_that_pool_nothing(name):
    config = models.config(name)
    assert getattr(config, "batch_norm_momentum", 0.9) == 0.9
    if isinstance(config, models.LSTMFCNConfig):
        assert config.dilation_rates == (None if hasattr(config, "pool_size") else 0.5)


def test_a_share_holds_for_other_kernels_and_numbers_of_blocks():
    """Kernels of 3 and 3 see 1 + 2d + 4d steps, so 16 d of 97."""
    options = {**SMALL, "filters": (4, 6), "kernel_sizes": (3, 3), "dilation_rates": 0.5}
    assert rates(models.build("mlstm_fcn", (97, 2), 3, **options)) == [8, 16]


def test_the_blocks_see_as_many_steps_as_they_should(rng):
    """An impulse changes the convolutions' output just where the receptive field says."""
    network = models.build("fcn", (200, 1), 2, filters=(4, 6, 4), dilation_rates=(2, 4, 8))
    last = [layer for layer in network.layers if isinstance(layer, ConvNorm1D)][-1]
    read = keras.Model(network.input, last.output)
    series = np.abs(rng.normal(size=(20, 200, 1))).astype("float32")
    changed = series.copy()
    changed[:, 100] += 100.0
    moved = np.flatnonzero(np.abs(np.asarray(read(changed) - read(series))).max(axis=(0, 2)) > 1e-4)
    assert np.ptp(moved) == 2 * 7 + 4 * 4 + 8 * 2
    assert models.cost(network).receptive_field == 1 + 2 * 7 + 4 * 4 + 8 * 2


def test_scales_halve_the_dilation_of_each_block_and_the_widest_is_what_it_sees():
    network = models.build("mlstm_fcn", (152, 2), 3, dilation_rates=0.5, dilation_scales=3, **SMALL)
    assert rates(network) == [(3, 1, 1), (6, 3, 1), (12, 6, 3)]
    assert models.cost(network).receptive_field == 1 + 3 * 7 + 6 * 4 + 12 * 2
    plain = models.build("mlstm_fcn", (152, 2), 3, dilation_rates=0.5, **SMALL)
    assert models.cost(network).flops == models.cost(plain).flops
    differing = models.build("mlstm_fcn", (152, 2), 3, dilation_rates=0.5, first_differences=True, **SMALL)
    assert models.cost(differing).receptive_field == models.cost(plain).receptive_field + 1


def test_there_are_no_more_scales_than_filters():
    network = models.build("fcn", (60, 2), 3, filters=(2, 3, 4), dilation_rates=(8, 8, 8), dilation_scales=3)
    assert rates(network) == [(8, 4), (8, 4, 2), (8, 4, 2)]


def test_selective_kernels_multiply_their_own_dilations():
    network = models.build("sk_mlstm_fcn", (60, 2), 3, dilation_rates=(2, 3, 5), **SMALL)
    layers = [layer for layer in network.layers if isinstance(layer, SelectiveKernel1D)]
    branches = [[conv.dilation_rate for conv in layer.convolutions] for layer in layers]
    assert branches == [[2, 4], [3, 6], [5, 10]]
    assert models.cost(network).receptive_field == 1 + 4 * 7 + 6 * 4 + 10 * 2


def test_a_share_counts_the_widest_branch_and_every_convolution():
    """Two branches of kernels 8-5-3 see 1 + 46d steps, and so do two convolutions in a block."""
    vgg = {"convolutions": 2, "pool_size": 1, "kernel_sizes": (8, 5, 3)}
    for name, options in (("sk_mlstm_fcn", {}), ("vgg", vgg)):
        config = models.config(name, dilation_rates=0.5, **options)
        assert config.dilations(300) == (3, 6, 12)
        network = models.build(name, (300, 2), 3, dilation_rates=0.5, **options)
        assert models.cost(network).receptive_field == 1 + 46 * 3


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mlstm_fcn", {}),
        ("sk_mlstm_fcn", {}),
        ("malstm_fcn", {"dilation_scales": 2, "first_differences": True}),
    ],
)
def test_padding_changes_nothing_with_dilations_either(name, options, rng):
    options = {"dilation_rates": (1, 2, 4), **SMALL, **options}
    network = models.build(name, (40, 2), 3, masked=True, **options)
    mask = np.arange(40)[None] < np.array([[40], [17]])
    series = rng.normal(size=(2, 40, 2)).astype("float32")
    garbage = np.where(mask[..., None], series, 1e3).astype("float32")
    zeros = np.where(mask[..., None], series, 0).astype("float32")
    np.testing.assert_allclose(network([garbage, mask]), network([zeros, mask]), atol=1e-6)


def test_an_estimator_takes_them_and_the_paper_has_none():
    def of(recipe="default", **given):
        spec = MLSTMFCNClassifier(**given).network_spec()
        return spec.resolved(Recipe.named(recipe), 0, 100).get("dilation_rates")

    assert of(dilation_rates=(1, 2, 3)) == (1, 2, 3)
    assert of(dilation_rates=0.5) == of() == (2, 4, 8)
    assert of(recipe="paper") is None
    assert of(dilation_rates=0.5, dimension_shuffle=False) == (2, 4, 8)  # though it reads any length


def test_a_network_for_any_length_follows_the_longest_training_series(basic_motions, tmp_path):
    X, y = basic_motions.X_train, basic_motions.y_train
    classifier = NetworkClassifier(network="fcn", network_params=FCN, n_epochs=1, random_state=0).fit(X, y)
    assert classifier.model_.input_shape == (None, None, 6)
    assert rates(split(classifier.model_)[1]) == [2, 4, 8]
    assert [options["dilation_rates"] for options in classifier.network_options_] == [(2, 4, 8)]
    shorter = [case[:, :30] for case in basic_motions.X_test]
    together = classifier.predict_proba(shorter)
    classifier.save(tmp_path / "fcn.keras")
    loaded = NetworkClassifier.load(tmp_path / "fcn.keras")
    assert loaded.network_options_ == classifier.network_options_
    mixed = [basic_motions.X_test[0], shorter[1]]
    np.testing.assert_allclose(loaded.predict_proba(mixed)[1], together[1], atol=1e-5)
    tuned = loaded.fine_tune(X[:, :, :50], y, n_epochs=1)
    assert rates(split(tuned.model_)[1]) == [2, 4, 8]


@pytest.mark.parametrize(
    ("network", "options", "expected"),
    [
        ("vgg", {"filters": (4, 4)}, [1, 1, 1, 1]),  # pooling widens what the next block sees
        ("vgg", {"filters": (4, 4), "pool_size": 1, "dilation_rates": 0.5}, [4, 4, 8, 8]),
        ("fcn", {"filters": (4, 4)}, [8, 16]),
    ],
)
def test_the_default_recipe_dilates_networks_that_pool_nothing(network, options, expected):
    given = {"network": network, "network_params": {**options, "kernel_sizes": (3, 3)}}
    resolved = NetworkClassifier(**given).network_spec().resolved(Recipe(), 0, 100)
    assert rates(models.build(network, (None, 6), 4, **resolved)) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0.0, r"must be in \(0, 1\]. Received: dilation_rates=0.0"),
        (1.5, r"must be in \(0, 1\]"),
        (2, "`dilation_rates` must be a tuple of sizes"),
        (True, "`dilation_rates` must be a tuple of sizes"),
        ((1, 2), "`filters` and `dilation_rates` must have the same length"),
        ((1, 2, 0), "`dilation_rates` must be a positive integer"),
        ("auto", "`dilation_rates` must be a tuple of sizes"),
    ],
)
def test_what_are_no_dilations_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        models.build("mlstm_fcn", (60, 2), 3, dilation_rates=given)


def test_a_share_and_pooling_exclude_each_other():
    with pytest.raises(ValueError, match=r"requires `pool_size=1`\. Received: dilation_rates=0.5"):
        models.build("vgg", (60, 2), 3, dilation_rates=0.5)


@pytest.mark.parametrize(
    ("name", "scales", "message"),
    [
        ("mlstm_fcn", 0, "`dilation_scales` must be a positive integer"),
        ("sk_mlstm_fcn", 2, "`dilation_scales` and `selective_branches` exclude each other"),
    ],
)
def test_what_are_no_scales_is_named(name, scales, message):
    with pytest.raises(ValueError, match=message):
        models.build(name, (60, 2), 3, dilation_scales=scales, **SMALL)


def test_a_saved_network_keeps_its_dilations(basic_motions, tmp_path):
    classifier = fit((basic_motions.X_train, basic_motions.y_train), dilation_rates=(3,))
    classifier.save(tmp_path / "model.keras")
    loaded = MLSTMFCNClassifier.load(tmp_path / "model.keras")
    assert rates(split(loaded.model_)[1]) == [3]
    X = basic_motions.X_test
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
