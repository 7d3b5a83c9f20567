"""The attention LSTM computes Bahdanau's attention inside the cell."""

import keras
import numpy as np
import pytest

from mlstm_fcn import engine
from mlstm_fcn.layers import AttentionLSTM
from tests import oracles


@pytest.fixture
def layer(rng):
    layer = AttentionLSTM(5)
    layer.build((None, None, 3))
    oracles.randomise(layer, rng)
    return layer


@pytest.fixture
def x(rng):
    return rng.normal(size=(4, 6, 3)).astype("float32")


def test_equals_the_equations_in_float64(layer, x):
    weights = {weight.name: np.asarray(weight.value, np.float64) for weight in layer.weights}
    state, attention = oracles.attention_lstm(x.astype(np.float64), weights)
    got_state, got_attention = layer(x, return_attention=True)
    np.testing.assert_allclose(got_state, state, atol=1e-5)
    np.testing.assert_allclose(got_attention, attention, atol=1e-5)


def test_number_of_parameters():
    features, units = 7, 5
    layer = AttentionLSTM(units)
    layer.build((None, None, features))
    gates = 4 * units * (2 * features + units + 1)
    scores = units * (features + units + 2)
    assert layer.count_params() == gates + scores


def test_each_step_spreads_one_over_the_valid_inputs(layer, x):
    mask = np.arange(6)[None, :] < np.array([6, 4, 1, 3])[:, None]
    _, attention = layer(x, mask=mask, return_attention=True)
    attention = np.asarray(attention)
    np.testing.assert_allclose(attention.sum(axis=-1), 1, atol=1e-6)
    assert (attention >= 0).all()
    assert attention[~np.broadcast_to(mask[:, None, :], attention.shape)].max() == 0


def test_steps_without_a_measurement_leave_state_and_cell_as_they_are(layer, x):
    """As if they were not there, also between valid steps."""
    valid = np.array([True, True, False, False, True, True])
    garbage = np.where(valid[None, :, None], x, 1e3).astype("float32")
    received = layer(garbage, mask=np.tile(valid, (4, 1)))
    np.testing.assert_allclose(received, layer(x[:, valid]), atol=1e-6)


def test_large_scores_do_not_overflow(x):
    layer = AttentionLSTM(5)
    layer.build((None, None, 3))
    layer.score_vector.assign(np.full((5, 1), 1e4))
    state, attention = layer(x, return_attention=True)
    assert np.isfinite(state).all()
    np.testing.assert_allclose(np.asarray(attention).sum(axis=-1), 1, atol=1e-6)


def test_without_context_it_is_an_lstm(layer, x):
    layer.context_kernel.assign(np.zeros(layer.context_kernel.shape))
    kernel, recurrent, bias = (
        np.asarray(w.value, np.float64) for w in (layer.kernel, layer.recurrent_kernel, layer.bias)
    )
    np.testing.assert_allclose(layer(x), oracles.lstm(x, kernel, recurrent, bias), atol=1e-5)


@pytest.mark.parametrize(("unit_forget_bias", "forget"), [(True, 1), (False, 0)])
def test_forget_gate_starts_open_if_asked(unit_forget_bias, forget):
    layer = AttentionLSTM(2, unit_forget_bias=unit_forget_bias)
    layer.build((None, None, 3))
    assert np.asarray(layer.bias.value).tolist() == [0, 0, forget, forget, 0, 0, 0, 0]


def test_units_must_be_positive():
    with pytest.raises(ValueError, match=r"`units` must be a positive integer\. Received: units=0"):
        AttentionLSTM(0)


def test_compiled_for_any_length_it_reads_series_that_end_early(rng):
    series = keras.Input((None, 3))
    layer, mask = AttentionLSTM(4), keras.ops.any(series != 0, axis=-1)
    X = rng.normal(size=(2, 9, 3)).astype("float32")
    X[1, 5:] = 0
    (received,) = engine.current().predict(keras.Model(series, layer(series, mask=mask)), X)
    np.testing.assert_allclose(received[0], layer(X[:1])[0], atol=1e-6)
    np.testing.assert_allclose(received[1], layer(X[1:, :5])[0], atol=1e-6)
