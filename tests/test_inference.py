"""Compiled prediction: shared where it may be, always with the weights that the model has now."""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from mlstm_fcn import engine, models
from mlstm_fcn.engine import keras_program, on_tensorflow
from mlstm_fcn.engine.cache import Predictions
from mlstm_fcn.engine.fingerprint import architecture
from mlstm_fcn.models.pipeline import build_preprocessor, compose


class OwnRegularizer(keras.regularizers.Regularizer):
    def __call__(self, x):
        return 0.0

    def get_config(self):
        return {}


def network(seed=0, **options):
    keras.utils.set_random_seed(seed)
    options = {"filters": (4, 8, 4), "reduction": 2} | options
    mean, std = np.full(2, seed), np.full(2, 1.0 + seed)
    return compose(
        build_preprocessor(mean, std, scaling="channel", missing="interpolate"),
        models.build("mlstm_fcn", (12, 2), 3, **options),
    )


@pytest.fixture
def series(rng):
    return rng.normal(size=(7, 12, 2)).astype("float32")


@pytest.fixture
def compiled(monkeypatch):
    """How often a prediction is compiled, from none on."""
    calls, compile_function = [], on_tensorflow.compiled

    def counted(function, signature):
        calls.append(len(signature))
        return compile_function(function, signature)

    monkeypatch.setattr(on_tensorflow, "compiled", counted)
    new = on_tensorflow.TensorFlowBackend()
    monkeypatch.setattr(engine, "current", lambda: new)
    return calls


def expected(model, series):
    return np.asarray(model(series, training=False))


def test_models_that_differ_in_weights_and_scaling_share_it(series, compiled):
    for seed in range(4):
        model = network(seed)
        (output,) = engine.current().predict(model, series)
        np.testing.assert_allclose(output, expected(model, series), atol=1e-5)
    assert len(compiled) == 1
    engine.current().predict(network(filters=(4, 4, 4)), series)
    assert len(compiled) == 2


def test_a_model_that_is_asked_often_gets_its_own(series, compiled):
    model = network()
    for _ in range(Predictions.OFTEN + 10):
        (output,) = engine.current().predict(model, series)
        np.testing.assert_allclose(output, expected(model, series), atol=1e-5)
    assert len(compiled) == 2
    assert compiled[-1] == 1  # it takes the series alone


@pytest.mark.parametrize("calls_before", [1, Predictions.OFTEN + 5])
def test_weights_may_change_between_calls(calls_before, series):
    model, other = network(0), network(1)
    for _ in range(calls_before):
        engine.current().predict(model, series)
    model.set_weights(other.get_weights())
    np.testing.assert_allclose(engine.current().predict(model, series)[0], expected(other, series), atol=1e-5)


def test_numbers_of_cases_do_not_matter(series):
    model = network()
    whole = engine.current().predict(model, series)[0]
    alone = [engine.current().predict(model, series[case : case + 1])[0] for case in range(len(series))]
    np.testing.assert_allclose(whole, expected(model, series), atol=1e-5)
    np.testing.assert_allclose(np.concatenate(alone), whole, atol=1e-6)


def test_long_series_are_predicted_a_few_at_a_time(series, monkeypatch):
    assert [keras_program.cases_at_a_time(steps) for steps in (10, 100, 1000, 10**6)] == [256, 256, 25, 1]
    model = network()
    whole = engine.current().predict(model, series)[0]
    np.testing.assert_allclose(whole, expected(model, series), atol=1e-5)
    monkeypatch.setattr(keras_program, "_MOST_STEPS", 2 * series.shape[1])
    np.testing.assert_allclose(engine.current().predict(model, series)[0], whole, atol=1e-6)


def test_of_shared_predictions_the_ones_used_last_are_kept():
    class Model:
        def __init__(self, kind):
            self.kind = kind

    compiled: list[str] = []

    def shared(model):
        compiled.append(model.kind)
        return f"compiled for {model.kind}"

    predictions = Predictions(own=None, shared=shared, key=lambda model: model.kind)
    predictions.most_shared = 2
    for kind in "abacacb":
        assert predictions.of(Model(kind), shares=True) == f"compiled for {kind}"
    assert compiled == ["a", "b", "c", "b"]


def test_a_model_is_not_kept_alive(series):
    model = network()
    engine.current().predict(model, series)
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


def test_threads_may_predict_at_once(series):
    trained = [network(seed) for seed in range(3)]
    right = [expected(model, series) for model in trained]
    barrier = threading.Barrier(6)

    def predict(task):
        barrier.wait(timeout=60)
        return [engine.current().predict(trained[task % 3], series)[0] for _ in range(30)]

    with ThreadPoolExecutor(6) as pool:
        for task, outputs in enumerate(pool.map(predict, range(6))):
            for output in outputs:
                np.testing.assert_allclose(output, right[task % 3], atol=1e-5)


def test_what_is_not_known_is_not_shared():
    class Own(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    def negative(x):
        return -x

    inputs = keras.Input((12, 2))
    for layer in (
        Own(),
        keras.layers.Dense(2, activation=negative),
        keras.layers.Lambda(lambda x: x),
        keras.layers.Dense(2, kernel_regularizer=OwnRegularizer()),
    ):
        assert architecture(keras.Model(inputs, layer(inputs))) is None, layer
    assert architecture(keras.Model(inputs, keras.layers.Dense(2, activation="relu")(inputs))) is not None
    assert architecture(network(0)) == architecture(network(1))
    assert architecture(network(0)) != architecture(network(0, dropout=0.1))
