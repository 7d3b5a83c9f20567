"""The battery: what every network of the table must do."""

import keras
import numpy as np
import pytest

from mlstm_fcn import models
from tests.small_networks import networks, small_options

TIME, CHANNELS, CLASSES = 20, 3, 4


def small(name, *, time=TIME, masked=False, **options):
    """A small network of the table, for series of this module's shape."""
    return models.build(name, (time, CHANNELS), CLASSES, masked=masked, **small_options(name, **options))


@pytest.fixture(params=networks())
def name(request):
    return request.param


any_length = pytest.mark.parametrize("name", networks("mlp"))


@pytest.fixture
def series(rng):
    return rng.normal(size=(5, TIME, CHANNELS)).astype("float32")


def test_gives_probabilities(name, series):
    output = np.asarray(small(name)(series))
    assert output.shape == (5, CLASSES)
    np.testing.assert_allclose(output.sum(axis=1), 1, atol=1e-6)


@any_length
def test_without_a_fixed_length_takes_any(name, series):
    model = small(name, time=None)
    assert model.input_shape == (None, None, CHANNELS)
    assert model(series).shape == model(series[:, :11]).shape == (5, CLASSES)


def test_saved_and_loaded_it_computes_the_same(name, series, tmp_path):
    for masked in (False, True):
        model = small(name, masked=masked)
        inputs = [series, np.ones((5, TIME), bool)] if masked else series
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(loaded(inputs), model(inputs))


@pytest.mark.parametrize(("head", "shuffle"), [("average", False), ("max", True), ("flatten", "both")])
def test_what_stands_in_the_padding_changes_no_output(name, head, shuffle, series, rng):
    model = small(name, masked=True, head=head, dimension_shuffle=shuffle)
    lengths = np.array([TIME, 11, 1, 7, 16])
    mask = np.arange(TIME)[None, :] < lengths[:, None]
    expected = model([np.where(mask[..., None], series, 0), mask])
    garbage = np.where(mask[..., None], series, rng.normal(scale=1e3, size=series.shape)).astype("float32")
    np.testing.assert_allclose(model([garbage, mask]), expected, atol=1e-5)


@any_length
@pytest.mark.filterwarnings("ignore:You are using a softmax over axis -1 of a tensor of shape .1, 1.")
@pytest.mark.parametrize(("head", "squeeze"), [("average", "max"), ("max", "mean")])
def test_a_series_gives_the_same_alone_and_padded_in_a_batch(name, head, squeeze, series):
    model = small(name, time=None, masked=True, head=head, squeeze=squeeze, gate="tanh")
    lengths = [TIME, 11, 1, 7, 16]
    mask = np.arange(TIME)[None, :] < np.array(lengths)[:, None]
    together = np.asarray(model([series, mask]))
    for case, length in enumerate(lengths):
        alone = model([series[case : case + 1, :length], np.ones((1, length), bool)])
        np.testing.assert_allclose(together[case : case + 1], alone, atol=1e-5)


@any_length
def test_padding_does_not_enter_what_training_learns(name, series):
    """One training step on a batch, and on the same batch padded further, ends in the same weights."""
    results = []
    for padding in (0, 9):
        keras.utils.set_random_seed(0)
        model = small(name, time=None, masked=True, dropout=0.0)
        lengths = np.array([TIME, 11, 2, 7, 16])[:, None]
        padded = np.pad(series, ((0, 0), (0, padding), (0, 0)), constant_values=7.0)
        model.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy", run_eagerly=True)
        mask = np.arange(TIME + padding)[None, :] < lengths
        model.train_on_batch([padded, mask], np.eye(CLASSES)[[0, 1, 2, 3, 0]])
        results.append(model.get_weights())
    for weight, padded_weight in zip(*results, strict=True):
        np.testing.assert_allclose(weight, padded_weight, atol=1e-5)


def test_masked_network_has_the_weights_of_the_unmasked_and_computes_the_same(name, series):
    plain, masked = small(name), small(name, masked=True)
    masked.set_weights(plain.get_weights())
    np.testing.assert_allclose(masked([series, np.ones((5, TIME), bool)]), plain(series), atol=1e-6)


def test_compiled_training_lowers_the_loss_and_moves_every_weight(name, series):
    keras.utils.set_random_seed(1)
    model = small(name, masked=True, dropout=0.0, dropouts=(0.0, 0.0, 0.0))
    inputs = [series, np.arange(TIME) < np.array([TIME, 11, 2, 7, 16])[:, None]]
    targets = np.eye(CLASSES)[[0, 1, 2, 3, 0]]
    model.compile(keras.optimizers.SGD(0.02), "categorical_crossentropy")
    before = [weight.copy() for weight in model.get_weights()]
    losses = [float(model.train_on_batch(inputs, targets)) for _ in range(10)]
    assert losses[-1] < losses[0]
    for weight, old, new in zip(model.weights, before, model.get_weights(), strict=True):
        moved = np.abs(new - old).max() > 0
        needless = weight.path.endswith("conv/bias")  # normalisation takes it away
        needless |= models.config(name).trained_by != "gradient" and not weight.trainable
        assert moved or needless or weight.name == "seed_generator_state", f"{weight.path} has not moved"


def test_mixed_precision_gives_float32_probabilities(name, series):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = small(name, masked=True)
    finally:
        keras.config.set_dtype_policy(before)
    output = model([series, np.ones((5, TIME), bool)])
    assert keras.backend.standardize_dtype(output.dtype) == "float32"
    np.testing.assert_allclose(np.asarray(output).sum(axis=1), 1, atol=1e-6)
    hidden = [layer for layer in model.layers if layer.trainable_weights and layer.name != "output"]
    of_gradient = models.config(name).trained_by == "gradient"
    assert {layer.compute_dtype for layer in hidden} == ({"float16"} if of_gradient else set())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "mlstm_fnc"}, "Did you mean 'mlstm_fcn'"),
        ({"lstm_unit": 4}, "Did you mean 'lstm_units'"),
        ({"n_classes": 0}, "`n_classes` must be a positive integer. Received: n_classes=0"),
        ({"input_shape": (3,)}, r"`input_shape` must be \(time, channels\)."),
        ({"input_shape": (20, 0)}, "`channels` must be a positive integer. Received: channels=0"),
        (
            {"input_shape": (None, 3), "dimension_shuffle": True},
            "`dimension_shuffle=True` requires a fixed length",
        ),
        ({"input_shape": (None, 3), "head": "flatten"}, "`head='flatten'` requires a fixed length"),
        ({"kernel_sizes": (8, 5)}, "`filters` and `kernel_sizes` must have the same length"),
        ({"filters": (), "kernel_sizes": ()}, "`filters` must not be empty"),
        ({"filters": 64}, "`filters` must be a tuple of sizes. Received: filters=64"),
        ({"se_blocks": 1}, "`se_blocks` must be a tuple of block numbers"),
        (
            {"name": "sknet", "kernel_sizes": (3, 1), "strides": (2, 1, 1)},
            "strides above 1, the first kernel size must be 1. Received: kernel_sizes",
        ),
        ({"name": "sknet", "kernel_sizes": (1, 3)}, "the last kernel size must be 1"),
        ({"filters": (8, 0, 8)}, "`filters` must be a positive integer. Received: filters=0"),
        ({"se_blocks": (0, 1)}, "`se_blocks` must be a tuple of block numbers from 1 to 3"),
        ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\). Received: dropout=1.0"),
        ({"head": "mean"}, "`head` must be one of 'average', 'max', 'flatten'"),
        ({"dimension_shuffle": "yes"}, "`dimension_shuffle` must be one of 'auto', 'both', True, False"),
        ({"recurrent": "gru"}, "`recurrent` must be one of 'lstm', 'attention_lstm', None"),
        ({"reduction": -1}, "`reduction` must be a positive integer"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    arguments = {"name": "mlstm_fcn", "input_shape": (20, 3), "n_classes": 4, **arguments}
    with pytest.raises(ValueError, match=message):
        models.build(**arguments)
