"""Engines: fast ways to compute give the results of Keras', and long epochs can be interrupted."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mlstm_fcn import engine, models
from mlstm_fcn.engine import devices
from mlstm_fcn.engine.fast_tensorflow import BlockLSTM, fused
from mlstm_fcn.engine.on_keras import KerasBackend
from mlstm_fcn.engine.on_tensorflow import TensorFlowBackend
from mlstm_fcn.engine.tensorflow_program import TensorFlowProgram
from mlstm_fcn.training.dataset import BatchSource, Dataset


def test_the_engine_is_one_object():
    assert engine.current() is engine.current()
    assert engine.current().name == keras.config.backend()


@pytest.mark.parametrize("rows", [True, False], ids=["in rows", "TensorFlow's own"])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("groups", "dilation", "size"), [(1, 1, 3), (1, 3, 3), (1, 3, 4), (2, 1, 3), (2, 2, 3), (2, 3, 2)]
)
def test_convolutions_are_keras_own(groups, dilation, size, padding, rows, rng):
    """Outputs and gradients, however the engine computes them."""
    made = TensorFlowBackend()
    made.__dict__["dilates_in_rows"] = rows
    series = tf.constant(rng.normal(size=(2, 17, 4)), tf.float32)
    kernel = tf.constant(rng.normal(size=(size, 4 // groups, 6)), tf.float32)
    blocks = [kernel[:, :, 3 * group : 3 * group + 3] if groups == 2 else kernel for group in range(groups)]
    inputs = tf.split(series, groups, axis=-1)

    def expected(inputs, blocks):
        each = [
            keras.ops.conv(part, block, padding=padding, dilation_rate=dilation)
            for part, block in zip(inputs, blocks, strict=True)
        ]
        return tf.concat(each, axis=-1)

    with tf.GradientTape(persistent=True) as tape:
        tape.watch((series, kernel, inputs, blocks))
        ours = made.conv(series, kernel, padding=padding, dilation_rate=dilation)
        theirs = expected(inputs, blocks)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_allclose(
        tape.gradient(ours, kernel), tf.concat(tape.gradient(theirs, blocks), axis=-1), atol=1e-4
    )
    np.testing.assert_allclose(
        tape.gradient(ours, series), tf.concat(tape.gradient(theirs, inputs), axis=-1), atol=1e-4
    )


@pytest.mark.parametrize("steps", [1, 5, 24])
def test_an_lstm_as_one_operation_is_keras_lstm(steps, rng):
    series = tf.constant(rng.normal(size=(3, steps, 7)), tf.float32)
    plain = keras.layers.LSTM(4)
    plain(series)
    block = BlockLSTM.from_config(plain.get_config())
    block(series)
    block.set_weights(plain.get_weights())
    results = []
    for layer in (plain, block):
        with tf.GradientTape() as tape:
            tape.watch(series)
            state = layer(series)
            loss = tf.reduce_sum(state**2)
        gradients = tape.gradient(loss, [series, *(v.value for v in layer.trainable_variables)])
        results.append([state, *gradients])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("features", [6, 7])
def test_the_operation_reads_an_even_number_of_features(features, rng, monkeypatch):
    """With an odd number and an odd batch it writes a warning at each step, hundreds in a fit."""
    given, operation = [], tf.raw_ops.BlockLSTM

    def recorded(**arguments):
        given.append((arguments["x"].shape[-1], arguments["w"].shape[0]))
        return operation(**arguments)

    monkeypatch.setattr(tf.raw_ops, "BlockLSTM", recorded)
    BlockLSTM(4)(tf.constant(rng.normal(size=(3, 5, features)), tf.float32))
    assert given == [(6 if features == 6 else 8, given[0][0] + 4)]


def test_only_plain_lstms_are_one_operation(rng):
    assert BlockLSTM.suits(keras.layers.LSTM(4))
    others = [
        keras.layers.LSTM(4, return_sequences=True),
        keras.layers.LSTM(4, activation="relu"),
        keras.layers.LSTM(4, recurrent_dropout=0.1),
        keras.layers.LSTM(4, dtype="mixed_bfloat16"),
        keras.layers.GRU(4),
    ]
    assert not any(map(BlockLSTM.suits, others))
    series, mask = rng.normal(size=(2, 6, 3)).astype("float32"), np.arange(6) < [[4], [6]]
    plain = keras.layers.LSTM(4)
    expected = plain(series, mask=mask)
    block = BlockLSTM.from_config(plain.get_config())
    block.build(series.shape)
    block.set_weights(plain.get_weights())
    np.testing.assert_allclose(block(series, mask=mask), expected, atol=1e-6)


@pytest.mark.parametrize("kind", [keras.optimizers.Adam, keras.optimizers.AdamW])
@pytest.mark.parametrize(
    ("options", "dtype"),
    [
        ({}, "float32"),
        ({}, "float64"),
        ({"gradient_accumulation_steps": 2}, "float32"),
        ({"use_ema": True, "ema_overwrite_frequency": 2}, "float32"),
        ({"weight_decay": 0.1, "clipnorm": 0.5}, "float32"),
    ],
)
def test_adam_as_one_operation_is_keras_adam(kind, options, dtype, rng):
    start = rng.normal(size=(5, 3))
    ends = []
    for optimizer in (kind(0.01, **options), fused(kind(0.01, **options))):
        variable = keras.Variable(start, dtype=dtype)
        optimizer.build([variable])
        for step in range(6):
            optimizer.learning_rate = 0.01 / (1 + step)
            optimizer.apply([keras.ops.sin(variable + step)])
        ends.append([keras.ops.convert_to_numpy(v) for v in (variable, *optimizer.variables)])
    assert type(fused(kind(0.01))) is not kind
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_other_optimizers_are_left_as_they_are():
    for optimizer in (keras.optimizers.SGD(), keras.optimizers.Adam(amsgrad=True), keras.optimizers.Nadam()):
        assert fused(optimizer) is optimizer


@pytest.fixture
def source(rng):
    y = np.arange(24) % 2
    series = (rng.normal(size=(24, 12, 2)) + y[:, None, None]).astype("float32")
    return BatchSource(Dataset([series], np.eye(2, dtype="float32")[y], np.ones(24, "float32")))


def trained(made, source, batches, rates=None, **options):
    keras.utils.set_random_seed(0)
    network = models.build("mlstm_fcn", (12, 2), 2, filters=(4, 8, 4), reduction=2, dropout=0.0, **options)
    given = (network, keras.optimizers.AdamW(0.01), "categorical_crossentropy", ["accuracy"])
    with made.program(*given, reusable=True) as program:
        program.prepare(source)
        program.model.reset_metrics()
        figures = program.train(source, batches, rates)
        validated = program.evaluate(source, 12)
    return network.get_weights(), figures, validated


def test_the_engine_of_every_backend_and_tensorflows_train_alike(source):
    batches, rates = np.array_split(np.arange(24), 5), np.linspace(0.01, 0.001, 5)
    ours, figures, validated = trained(TensorFlowBackend(), source, batches, rates)
    other = BatchSource(source.dataset)
    theirs, expected, held_back = trained(KerasBackend("tensorflow"), other, batches, rates)
    for one, another in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, another, atol=2e-4)
    for got, wanted in ((figures, expected), (validated, held_back)):
        assert got.keys() == wanted.keys() == {"loss", "accuracy"}
        np.testing.assert_allclose([*got.values()], [*wanted.values()], rtol=1e-3)


def test_an_epoch_in_several_calls_is_the_same_epoch(source, monkeypatch):
    """Calls take a fraction of a second, so that an interrupt from the keyboard is heard within it."""
    batches, rates = np.array_split(np.arange(24), 5), np.linspace(0.01, 0.001, 5)
    whole, figures, _ = trained(TensorFlowBackend(), source, batches, rates)
    calls, train = [], TensorFlowProgram._train

    def counted(self, data, batches, rates):
        calls.append(len(batches))
        return train(self, data, batches, rates)

    monkeypatch.setattr(TensorFlowProgram, "_train", counted)
    monkeypatch.setattr("mlstm_fcn.engine.tensorflow_program._SECONDS_PER_CALL", 1e6)
    monkeypatch.setattr(TensorFlowProgram, "_steps_per_call", 2)
    monkeypatch.setattr("mlstm_fcn.engine.tensorflow_program._MOST_STEPS", 2)
    parts, same_figures, _ = trained(TensorFlowBackend(), BatchSource(source.dataset), batches, rates)
    assert calls == [2, 2, 1]
    assert same_figures == figures
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


def test_flags_of_the_cpu_decide_how_dilation_is_computed(tmp_path, monkeypatch):
    for text, expected in (
        ("flags\t: fpu avx512_bf16 sse\n", True),
        ("flags\t: avx2\n", False),
        (None, False),
    ):
        info = tmp_path / f"cpuinfo{expected}{text is None}"
        if text is not None:
            info.write_text(f"processor\t: 0\n{text}")
        monkeypatch.setattr(devices, "_CPU_INFO", info)
        devices.cpu_flags.cache_clear()
        assert devices.has_fast_convolutions() is expected
    devices.cpu_flags.cache_clear()


def test_what_suits_a_cpu_alone_is_not_done_on_a_gpu(rng):
    """A GPU convolves with dilation and groups itself, and has cuDNN's loop."""
    made = TensorFlowBackend()
    made.__dict__["default_kind"] = "gpu"
    assert not made.unrolls(4)
    assert not isinstance(made.fast_layer(keras.layers.LSTM(4)), BlockLSTM)
    series, kernel = (
        rng.normal(size=(2, 9, 3)).astype("float32"),
        rng.normal(size=(3, 3, 5)).astype("float32"),
    )
    expected = keras.ops.conv(series, kernel, padding="same", dilation_rate=2)
    np.testing.assert_array_equal(
        made.conv(series, kernel, padding="same", dilation_rate=2), np.asarray(expected)
    )


def test_a_model_that_a_callback_saves_holds_keras_own_layers(tmp_path, source):
    keras.utils.set_random_seed(0)
    network = models.build("mlstm_fcn", (12, 2), 2, filters=(4, 8, 4), reduction=2)
    made = TensorFlowBackend()
    given = (network, keras.optimizers.Adam(0.01), "categorical_crossentropy", [])
    with made.program(*given, reusable=False) as program:
        program.prepare(source)
        program.train(source, [np.arange(24)])
        assert any(isinstance(layer, BlockLSTM) for layer in program.model.layers)
        program.model.save(tmp_path / "seen.keras")
    loaded = keras.saving.load_model(tmp_path / "seen.keras")
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in network.layers]
    series = source.dataset.inputs[0]
    np.testing.assert_allclose(loaded(series), network(series), atol=1e-5)
