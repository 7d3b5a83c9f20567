"""The networks are those of the papers: equations, numbers of parameters, recipe."""

import inspect

import numpy as np
import pytest

from mlstm_fcn import models
from mlstm_fcn.training.optimizer import plateau
from mlstm_fcn.training.recipes import RECIPES
from tests import oracles

PAPER = {"dilation_rates": None, "batch_norm_momentum": 0.99}  # beside the blocks with SE
SE_BLOCKS = {"fcn": (), "lstm_fcn": (), "alstm_fcn": (), "mlstm_fcn": (1, 2, 3), "malstm_fcn": (1, 2, 3)}
RECURRENT = {
    "fcn": None,
    "lstm_fcn": "lstm",
    "alstm_fcn": "attention_lstm",
    "mlstm_fcn": "lstm",
    "malstm_fcn": "attention_lstm",
}


def assert_equals_the_oracle(model, series, **structure):
    rng = np.random.default_rng(1)
    oracles.randomise(model, rng)
    for layer in model.layers:  # keep the softmax away from 0 and 1, where all networks agree
        if layer.name == "output":
            layer.kernel.assign(layer.kernel / 100)
    expected = oracles.lstm_fcn(
        series.astype(np.float64), oracles.weights_by_layer(model), n_blocks=3, **structure
    )
    assert expected.min() > 1e-3
    np.testing.assert_allclose(model(series), expected, atol=1e-5)


@pytest.mark.parametrize("name", SE_BLOCKS)
@pytest.mark.parametrize("shape", [(24, 3), (5, 9)])
def test_forward_pass_equals_the_equations_in_float64(name, shape, rng):
    """Dimension shuffle follows the paper's rule: where there are more steps than channels."""
    model = models.build(name, shape, 3, filters=(8, 16, 8), lstm_units=5, **PAPER)
    assert_equals_the_oracle(
        model,
        rng.normal(size=(4, *shape)).astype("float32"),
        se_blocks=SE_BLOCKS[name],
        recurrent=RECURRENT[name],
        shuffle=shape[0] > shape[1],
    )


@pytest.mark.parametrize(
    "options",
    [
        {"dimension_shuffle": False},
        {"dimension_shuffle": "both"},
        {"dimension_shuffle": "both", "recurrent": "attention_lstm"},
        {"head": "max"},
        {"head": "flatten"},
        {"se_blocks": (1, 2)},
        {"se_blocks": (3,), "squeeze": "max", "gate": "tanh"},
        {"se_blocks": ()},
        {"gate": "relu"},
    ],
    ids=str,
)
def test_every_option_equals_the_equations_in_float64(options, rng):
    model = models.build("mlstm_fcn", (24, 3), 3, filters=(8, 16, 8), **options, **PAPER)
    structure = {
        "se_blocks": (1, 2, 3),
        "shuffle": options.get("dimension_shuffle", True),
        "recurrent": "lstm",
    }
    changes = {name: value for name, value in options.items() if name != "dimension_shuffle"}
    assert_equals_the_oracle(model, rng.normal(size=(4, 24, 3)).astype("float32"), **{**structure, **changes})


@pytest.mark.parametrize("time", [24, 25])
def test_differences_and_scales_equal_the_equations_in_float64(time, rng):
    """Dilations 6, 3, 1 and so on: filters are divided among them; the LSTM reads the series alone."""
    options = {"dilation_scales": 3, "dilation_rates": (6, 5, 2), "first_differences": True}
    model = models.build("mlstm_fcn", (time, 3), 3, filters=(8, 16, 8), **options)
    structure = {"se_blocks": (1, 2, 3), "shuffle": True, "recurrent": "lstm", "first_differences": True}
    series = rng.normal(size=(4, time, 3)).astype("float32")
    assert_equals_the_oracle(model, series, dilations=((6, 3, 1), (5, 2, 1), (2, 1, 1)), **structure)


@pytest.mark.parametrize(("shape", "shuffles"), [((7, 6), True), ((6, 6), False), ((None, 6), False)])
def test_variables_are_steps_where_time_exceeds_their_number(shape, shuffles):
    assert models.LSTMFCNConfig().shuffles(*shape) == (shuffles,)


def closed_form(time, channels, classes, *, units, se_blocks, attention, recurrent):
    """Parameters of the network with filters 128, 256, 128, kernels 8, 5, 3 and ratio 16, written out."""
    steps_have = time if time > channels else channels
    convolutions = (8 * channels + 1) * 128 + (5 * 128 + 1) * 256 + (3 * 256 + 1) * 128
    batch_norms = 4 * (128 + 256 + 128)
    squeeze_excite = sum({1: 2 * 128 * 8, 2: 2 * 256 * 16, 3: 2 * 128 * 8}[block] for block in se_blocks)
    lstm = 4 * units * (steps_have + units + 1)
    if attention:
        lstm += 4 * units * steps_have + units * (steps_have + units + 2)
    dense = (128 + (units if recurrent else 0) + 1) * classes
    return convolutions + batch_norms + squeeze_excite + (lstm if recurrent else 0) + dense


@pytest.mark.parametrize("name", SE_BLOCKS)
@pytest.mark.parametrize(
    ("time", "channels", "classes", "units"), [(100, 6, 4, 8), (29, 12, 9, 64), (5, 30, 2, 1)]
)
def test_number_of_parameters(name, time, channels, classes, units):
    model = models.build(name, (time, channels), classes, lstm_units=units, **PAPER)
    n_seeds = sum(np.size(weight) for weight in model.weights if weight.name == "seed_generator_state")
    assert model.count_params() - n_seeds == closed_form(
        time,
        channels,
        classes,
        units=units,
        se_blocks=SE_BLOCKS[name],
        attention=RECURRENT[name] == "attention_lstm",
        recurrent=RECURRENT[name] is not None,
    )


def test_batch_normalisation_keeps_99_percent_of_its_statistics_a_step(rng):
    model = models.build("fcn", (10, 2), 2, filters=(4,), kernel_sizes=(3,), **PAPER)
    conv, norm = model.get_layer("conv_1").conv, model.get_layer("conv_1").norm
    x = rng.normal(size=(6, 10, 2)).astype("float32")
    activations = np.asarray(conv(x))
    model(x, training=True)
    np.testing.assert_allclose(norm.moving_mean, 0.01 * activations.mean(axis=(0, 1)), atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, 0.99 + 0.01 * activations.var(axis=(0, 1)), atol=1e-6)
    assert norm.epsilon == 1e-3


def test_convolutions_start_he_uniform_and_dropout_is_the_papers():
    model = models.build("mlstm_fcn", (50, 4), 3, **PAPER)
    for number in (1, 2, 3):
        conv = model.get_layer(f"conv_{number}").conv
        size, inputs, _ = conv.kernel.shape
        kernel, limit = np.asarray(conv.kernel), np.sqrt(6 / (size * inputs))
        assert 0.99 * limit < np.abs(kernel).max() <= limit
        np.testing.assert_allclose(kernel.std(), limit / np.sqrt(3), rtol=0.05)
    assert model.get_layer("dropout").rate == 0.8


def test_paper_recipe_is_the_papers():
    paper = RECIPES["paper"]
    assert (paper.n_epochs, paper.batch_size, paper.equal_batches) == (250, 128, False)
    assert (paper.optimizer, paper.learning_rate, paper.schedule) == ("adam", 1e-3, "plateau")
    assert (paper.class_weight, paper.label_smoothing, paper.weight_decay) == ("balanced", 0, None)
    assert (paper.keep_best, paper.patience, paper.validation_split) == (True, None, 0)
    assert (paper.n_members, paper.average_weights, paper.augmentation) == (1, None, {})
    assert paper.network_options == {**PAPER, "se_blocks": (1, 2)}
    network = models.build("mlstm_fcn", (50, 4), 3, **paper.network_options)
    layers = [layer.name for layer in network.layers if layer.name.startswith("squeeze_excite")]
    assert layers == ["squeeze_excite_1", "squeeze_excite_2"]


def test_the_config_names_all_values_that_make_the_network_the_papers():
    doc = inspect.getdoc(models.LSTMFCNConfig)
    section = doc.partition("The network of the paper")[2].partition("Attributes:")[0]
    for name, value in RECIPES["paper"].network_options.items():
        assert f"`{name}={value}`" in section
        assert getattr(models.LSTMFCNConfig(), name) != value


def test_paper_learning_rate_falls_by_a_third_power_of_two_on_a_plateau_of_100_epochs():
    (falling,) = plateau(RECIPES["paper"], highest=1e-3)
    np.testing.assert_allclose(falling.factor**3, 1 / 2)
    assert (falling.patience, falling.monitor) == (100, "loss")
    np.testing.assert_allclose(falling.min_lr, 1e-4)
