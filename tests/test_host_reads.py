"""Figures stay on the device during an epoch: it costs two reads at most, one of them for validation."""

import threading
from contextlib import contextmanager
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from mlstm_fcn import Recipe, engine
from mlstm_fcn.engine.keras_program import read_ahead, read_figures
from mlstm_fcn.engine.on_keras import KerasBackend
from mlstm_fcn.engine.tensorflow_program import TensorFlowProgram
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.loop import train
from tests.quick_fit import small

EPOCHS = 5


class Counted:
    """Figures on a device that counts how often they are read."""

    reads = 0

    def read(self, names):
        self.reads += 1
        return dict.fromkeys(names, 0.5)


class FakeProgram:
    """A program that computes nothing and reads from the device as `engine.Program` says."""

    def __init__(self, network, device):
        self.device, self.steps = device, 0
        self.model = SimpleNamespace(
            optimizer=keras.optimizers.SGD(0.01),
            trainable_variables=network.trainable_variables,
            reset_metrics=lambda: None,
            stop_training=False,
        )

    def prepare(self, source):
        pass

    def train(self, source, batches, rates=None):
        self.steps += len(batches)
        return self.device.read(["loss", "accuracy"])

    def evaluate(self, source, n_steps):
        return self.device.read(["loss", "accuracy"])


@pytest.mark.parametrize(("hooks", "reads"), [((), 2), (("on_train_batch_end",), 5)])
def test_an_epoch_asks_an_engine_for_figures_twice_unless_a_callback_has_batch_hooks(
    hooks, reads, monkeypatch
):
    device, network = Counted(), keras.Sequential([keras.Input((6, 1)), keras.layers.Flatten()])
    program = FakeProgram(network, device)

    class FakeBackend(KerasBackend):
        @contextmanager
        def program(self, *_, **__):
            yield program

    monkeypatch.setattr(engine, "current", lambda: FakeBackend("fake"))
    callback = type("Own", (keras.callbacks.Callback,), {hook: lambda *_, **__: None for hook in hooks})()
    data = Dataset([np.zeros((8, 6, 1), "float32")], np.zeros((8, 1)), np.ones(8))
    recipe, history = Recipe(n_epochs=EPOCHS, batch_size=2, equal_batches=True), {}
    options = {"loss": "mse", "metrics": [], "rng": np.random.default_rng(0), "history": history}
    train(network, data, recipe, validation=data, callbacks=[callback], **options)
    assert program.steps == 4 * EPOCHS
    assert device.reads == reads * EPOCHS
    assert len(history["val_loss"]) == EPOCHS


@pytest.fixture
def reads(monkeypatch):
    """Counts each copy from TensorFlow to the host: by Keras, or by a tensor itself."""
    (tensor,) = (kind for kind in type(tf.constant(0)).__mro__ if kind.__name__ == "_EagerTensorBase")
    counted = Counted()

    def counting(function):
        def count(*given):
            counted.reads += 1
            return function(*given)

        return count

    monkeypatch.setattr(tensor, "_numpy", counting(tensor._numpy))
    monkeypatch.setattr(keras.ops, "convert_to_numpy", counting(keras.ops.convert_to_numpy))
    return counted


@pytest.mark.parametrize("kind", ["one call", "several calls", "augmented"])
def test_an_epoch_of_tensorflow_reads_once_for_training_and_once_for_validation(
    kind, reads, motions, monkeypatch
):
    if kind == "several calls":
        monkeypatch.setattr(TensorFlowProgram, "_steps_per_call", 1)
        monkeypatch.setattr("mlstm_fcn.engine.tensorflow_program._MOST_STEPS", 1)
    options = {"augmentation": {"jitter": 0.1}} if kind == "augmented" else {}
    totals = []
    for n_epochs in (1, 2, 2 + EPOCHS):  # the first one compiles
        reads.reads = 0
        fitted = small(n_epochs=n_epochs, validation_split=0.25, **options)
        fitted.fit(motions.X_train, motions.y_train)
        assert len(fitted.history_["val_accuracy"]) == n_epochs
        totals.append(reads.reads)
    assert totals[2] - totals[1] == 2 * EPOCHS


def test_figures_are_read_as_they_are():
    figures = {"loss": tf.constant(0.1), "accuracy": tf.constant(0.25, "float64")}
    assert read_figures(figures) == {"loss": float(np.float32(0.1)), "accuracy": 0.25}
    assert read_figures({}) == {}


class Slow:
    """A source that says which batch it was asked for."""

    def __init__(self, fails_at=None):
        self.read_cases, self.fails_at = [], fails_at
        self.asked = [threading.Event() for _ in range(4)]

    def read(self, cases):
        number = len(self.read_cases)
        self.asked[number].set()
        if number == self.fails_at:
            raise OSError("The disk is gone.")
        self.read_cases.append(cases.tolist())
        return [cases]


BATCHES = np.array_split(np.arange(8), 4)


def test_the_next_batch_is_read_while_the_caller_computes():
    source = Slow()
    coming = read_ahead(source, BATCHES)
    for number, cases in enumerate(BATCHES):
        np.testing.assert_array_equal(next(coming)[0], cases)
        assert number == 3 or source.asked[number + 1].wait(timeout=60)
    assert next(coming, None) is None
    assert source.read_cases == [batch.tolist() for batch in BATCHES]


def test_an_error_of_the_file_is_the_callers_and_stops_the_reading():
    source = Slow(fails_at=1)
    coming = read_ahead(source, BATCHES)
    next(coming)
    with pytest.raises(OSError, match="The disk is gone"):
        next(coming)
    assert len(source.read_cases) == 1
