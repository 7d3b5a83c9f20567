"""Training in 16 bits: what computes in them, what stays float32, and who decides."""

import keras
import numpy as np
import pytest
from sklearn.base import clone

from mlstm_fcn import Engine, MLSTMFCNClassifier, NetworkClassifier, models
from mlstm_fcn.engine import devices, precision
from mlstm_fcn.engine.fast_tensorflow import batch_norm
from mlstm_fcn.engine.keras_program import copy_state
from mlstm_fcn.engine.on_keras import KerasBackend
from mlstm_fcn.engine.on_tensorflow import TensorFlowBackend
from mlstm_fcn.fitting.card import model_card
from mlstm_fcn.layers import ConvNorm1D
from tests.quick_fit import SMALL, THREE_BLOCKS, assert_same, differ, small
from tests.small_networks import networks, small_options, with_own_layer

IN_16_BITS = Engine(precision="bfloat16")


@pytest.fixture(scope="module")
def fitted(motions):
    return small(engine=IN_16_BITS, n_epochs=12).fit(motions.X_train, motions.y_train)


# What it changes, and what not.


def test_the_fitted_network_is_float32_and_knows_how_it_was_trained(fitted, motions, tmp_path):
    assert {layer.dtype_policy.name for layer in fitted.fitted_.network.layers} == {"float32"}
    assert {variable.dtype for variable in fitted.model_.trainable_variables} == {"float32"}
    assert fitted.predict_proba(motions.X_test).dtype == np.float64
    fitted.save(tmp_path / "it.keras")
    loaded = MLSTMFCNClassifier.load(tmp_path / "it.keras")
    assert loaded.fitted_.precision == fitted.fitted_.precision == "bfloat16"
    assert loaded.engine == IN_16_BITS
    assert "trained in bfloat16, stored in float32" in model_card(loaded.fitted_)


def test_the_global_policy_is_as_before(fitted):
    assert keras.config.dtype_policy().name == "float32"


def test_it_learns_as_float32_does_up_to_rounding_and_repeats_exactly(fitted, motions):
    X, y = motions.X_train, motions.y_train
    assert_same(fitted, clone(fitted).fit(X, y))
    whole = small(engine=Engine(precision="float32"), n_epochs=12).fit(X, y)
    assert whole.fitted_.precision == "float32"
    assert differ(fitted, whole)
    np.testing.assert_allclose(fitted.history_["loss"], whole.history_["loss"], atol=0.05)
    np.testing.assert_allclose(fitted.predict_proba(X), whole.predict_proba(X), atol=0.1)


def test_convolutions_compute_in_16_bits_and_gates_lstm_and_output_do_not(motions):
    network = models.build("mlstm_fcn", (20, 3), 4, **THREE_BLOCKS)
    twin = TensorFlowBackend()._twin(network, "bfloat16")
    by_type = {}
    for layer in twin.layers:
        by_type.setdefault(type(layer).__name__, set()).add(layer.compute_dtype)
    assert by_type["SqueezeExcite1D"] == {"bfloat16"}
    convolutions = [layer.compute_dtype for layer in twin.layers if type(layer).__name__ == "ConvNorm1D"]
    assert convolutions == ["float32", "bfloat16", "bfloat16"]  # the first one reads the series as they are
    whole = ("LSTM", "Dense", "GlobalAveragePooling1D", "Concatenate")
    assert {dtype for name in whole for dtype in by_type[name]} == {"float32"}
    gates = twin.get_layer("squeeze_excite_1").gates(keras.ops.ones((1, 5, 8), "bfloat16"))
    assert keras.backend.standardize_dtype(gates.dtype) == "float32"
    assert {variable.dtype for variable in twin.trainable_variables} == {"float32"}


def test_series_far_from_zero_are_read_whole(rng, monkeypatch):
    """Near 1000, bfloat16 has steps of 4: the first convolution must not see them."""
    series = (1000 + rng.normal(size=(8, 40, 1))).astype("float32")
    inputs = keras.Input((40, 1))
    network = keras.Model(inputs, ConvNorm1D(4, 3)(keras.layers.ReLU()(ConvNorm1D(8, 1)(inputs))))

    def error():
        twin = TensorFlowBackend()._twin(network, "bfloat16")
        copy_state(network, twin)
        twins, own = (np.asarray(one(series, training=True), "float32") for one in (twin, network))
        return np.abs(twins - own).mean()

    assert error() < 0.02
    every = {layer.name for layer in network.layers if precision.suits_16_bits(layer)}
    monkeypatch.setattr("mlstm_fcn.engine.on_keras.layers_in_16_bits", lambda network: every)
    assert error() > 0.2


def test_what_reads_the_series_through_layers_that_do_not_normalise_is_float32():
    series = hidden = keras.Input((10, 2))
    for layer in (
        keras.layers.Activation("relu", name="as_it_is"),
        keras.layers.Conv1D(4, 3, name="raw"),
        keras.layers.BatchNormalization(name="normalised"),
        keras.layers.Conv1D(4, 3, name="low"),
    ):
        hidden = layer(hidden)
    assert precision.layers_in_16_bits(keras.Model(series, hidden)) == {"low"}


def test_an_activation_that_is_an_output_or_a_gate_is_float32():
    series = keras.Input((20, 3))
    low = keras.layers.ReLU(name="low")(keras.layers.BatchNormalization()(series))
    pooled = keras.layers.GlobalAveragePooling1D()(low)
    output = keras.layers.Activation("linear", name="output")(keras.layers.Dense(1)(pooled))
    assert precision.layers_in_16_bits(keras.Model(series, output)) == {"low"}


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("name", networks())
def test_every_network_trains_in_16_bits(name, masked, rng):
    network = models.build(name, (24, 2), 3, masked=masked, **small_options(name))
    twin = TensorFlowBackend()._twin(network, "bfloat16")
    series = rng.normal(size=(4, 24, 2)).astype("float32")
    inputs = [series, np.arange(24) < np.array([[24], [20], [9], [24]])] if masked else series
    twin.compile("adam", "categorical_crossentropy")
    before = twin.get_weights()
    loss = twin.train_on_batch(inputs, np.eye(3, dtype="float32")[[0, 1, 2, 0]])
    assert np.isfinite(loss)
    assert all(np.isfinite(weights).all() for weights in twin.get_weights())
    assert any(not np.array_equal(*pair) for pair in zip(before, twin.get_weights(), strict=True))


def test_float16_scales_its_loss(motions):
    classifier = small(engine=Engine(precision="float16"), n_epochs=6)
    classifier.fit(motions.X_train, motions.y_train)
    losses = classifier.history_["loss"]
    assert classifier.fitted_.precision == "float16"
    assert losses[-1] < losses[0]
    backend, network = TensorFlowBackend(), models.build("fcn", (20, 3), 4, filters=(4,), kernel_sizes=(3,))
    given = (network, keras.optimizers.Adam(0.01), "categorical_crossentropy", [])
    with backend.program(*given, reusable=False, precision="float16") as program:
        assert isinstance(program.model.optimizer, keras.optimizers.LossScaleOptimizer)


def test_a_model_that_a_callback_saves_is_float32(motions, tmp_path):
    saver = keras.callbacks.ModelCheckpoint(tmp_path / "seen.keras")
    small(engine=IN_16_BITS, callbacks=[saver], n_epochs=1).fit(motions.X_train, motions.y_train)
    loaded = keras.saving.load_model(tmp_path / "seen.keras")
    assert {layer.dtype_policy.name for layer in loaded.layers} == {"float32"}


class Killed(keras.callbacks.Callback):
    """Ends a fit after its first epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise RuntimeError


def test_a_checkpoint_of_float16_resumes_after_other_optimizers_were_made(motions, tmp_path):
    options = {"checkpoint": tmp_path / "state.npz", "engine": Engine(precision="float16"), "n_epochs": 2}
    with pytest.raises(RuntimeError):
        small(callbacks=[Killed()], **options).fit(motions.X_train, motions.y_train)
    keras.optimizers.AdamW()
    small(**options).fit(motions.X_train, motions.y_train)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_another_precision_is_refused(motions, tmp_path):
    options = {"checkpoint": tmp_path / "state.npz", "n_epochs": 2}
    with pytest.raises(RuntimeError):
        small(engine=IN_16_BITS, callbacks=[Killed()], **options).fit(motions.X_train, motions.y_train)
    with pytest.raises(ValueError, match="belongs to a training with other data, settings or network"):
        small(engine=Engine(precision="float32"), **options).fit(motions.X_train, motions.y_train)
    small(engine=IN_16_BITS, **options).fit(motions.X_train, motions.y_train)


# Who decides.


@pytest.mark.parametrize(
    ("flags", "expected"), [({"avx512_bf16"}, "bfloat16"), ({"amx_bf16"}, "bfloat16"), ({"avx2"}, "float32")]
)
def test_auto_is_bfloat16_where_the_cpu_has_it(flags, expected, monkeypatch):
    monkeypatch.setattr(devices, "cpu_flags", lambda: frozenset(flags))
    network = models.build("fcn", (20, 3), 4, filters=(4,), kernel_sizes=(3,))
    assert TensorFlowBackend().precision_for(network, "auto") == expected
    masked = models.build("fcn", (20, 3), 4, filters=(4,), kernel_sizes=(3,), masked=True)
    assert TensorFlowBackend().precision_for(masked, "auto") == "float32"  # 16 bits gain nothing there
    assert KerasBackend("torch").precision_for(network, "auto") == "float32"


def test_a_network_with_layers_of_the_user_is_trained_in_float32(motions):
    options = {"network": with_own_layer, "n_epochs": 1}
    classifier = NetworkClassifier(**options).fit(motions.X_train, motions.y_train)
    assert classifier.fitted_.precision == "float32"
    with pytest.raises(ValueError, match="'float32' or 'auto' for a network with layers of your own"):
        NetworkClassifier(**options, engine=IN_16_BITS).fit(motions.X_train, motions.y_train)


def test_a_layer_that_has_a_policy_keeps_it():
    assert not precision.suits_16_bits(keras.layers.Conv1D(2, 3, dtype="float64"))
    assert precision.suits_16_bits(keras.layers.Conv1D(2, 3))


def test_nested_names_reach_the_engine():
    classifier = MLSTMFCNClassifier(**SMALL)
    assert classifier.get_params()["engine__precision"] == "auto"
    classifier.set_params(engine__precision="float32")
    assert classifier.engine == Engine(precision="float32")
    assert clone(classifier).engine == classifier.engine
    assert repr(classifier.engine) == "Engine(precision='float32')"  # no more than what differs


def test_unknown_engines_are_refused(motions):
    with pytest.raises(ValueError, match=r"`precision` must be one of .*'bfloat16'.*Did you mean 'bfloat16'"):
        Engine(precision="bfloat")
    with pytest.raises(ValueError, match=r"must be 'auto' or an Engine, such as Engine\(precision="):
        small(engine="fast").fit(motions.X_train, motions.y_train)
    with pytest.raises(ValueError, match="Engine has no option 'precison'"):
        MLSTMFCNClassifier().set_params(engine__precison="float32")


# Batch normalisation of valid steps.


def test_masked_batch_normalisation_is_that_of_keras_with_its_gradient(rng):
    import tensorflow as tf

    series = tf.constant(rng.normal(2, 3, size=(5, 9, 4)), "float32")
    mask, upstream = tf.constant(rng.random((5, 9)) < 0.6), tf.constant(rng.normal(size=(5, 9, 4)), "float32")
    norm = keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.0)
    norm.build((None, 9, 4))
    scale, offset = norm.gamma, norm.beta
    scale.assign(rng.normal(size=4))
    results = []
    for normalise in (
        lambda: norm.call(series, training=True, mask=mask),
        lambda: batch_norm(series, scale, offset, 1e-3, mask)[0],
    ):
        with tf.GradientTape() as tape:
            tape.watch(series)
            output = normalise()
        results.append([output, *tape.gradient(output, (series, scale.value, offset.value), upstream)])
    for theirs, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    _, mean, variance = batch_norm(series, scale, offset, 1e-3, mask)
    np.testing.assert_allclose(mean, norm.moving_mean, atol=1e-6)
    np.testing.assert_allclose(variance, norm.moving_variance, rtol=1e-5)
