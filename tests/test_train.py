"""Training does what the recipe says, and all that is random comes from one generator."""

import dataclasses
import random
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

from mlstm_fcn import engine, models
from mlstm_fcn._randomness import seeded, shuffled
from mlstm_fcn.engine.on_keras import KerasBackend
from mlstm_fcn.training.best_epoch import BestEpoch
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.loop import train
from mlstm_fcn.training.optimizer import optimizer_of, warm_up_and_cosine
from mlstm_fcn.training.recipes import RECIPES, Recipe

LOSS = "categorical_crossentropy"
ON_ALL_THREADS = """
import numpy as np
from mlstm_fcn import MLSTMFCNClassifier, datasets
motions = datasets.load("BasicMotions", offline=True)
X, y = motions.X_train, motions.y_train
fits = [MLSTMFCNClassifier(n_epochs=2, random_state=seed).fit(X, y) for seed in (0, 0, 1)]
same, again, other = (fit.model_.get_weights() for fit in fits)
assert all(map(np.array_equal, same, again)), "fits with one seed differ"
assert not all(map(np.array_equal, same, other)), "fits with two seeds are the same"
"""


@pytest.fixture
def problem(rng):
    y = np.arange(20) % 2
    batch = rng.normal(size=(20, 12, 2)).astype("float32") + 2 * y[:, None, None]
    return batch.astype("float32"), np.eye(2, dtype="float32")[y], np.ones(20, "float32")


def fit(problem, recipe, seed=0, **arguments):
    batch, targets, weights = problem
    rng, history = np.random.default_rng(seed), {}
    with seeded(rng):
        model = models.build("mlstm_fcn", batch.shape[1:], 2, filters=(4, 8, 4), reduction=2)
    examples = Dataset([batch], targets, weights)
    train(model, examples, recipe, loss=LOSS, metrics=["accuracy"], rng=rng, history=history, **arguments)
    return model, history


def test_learns_and_reports_each_epoch(problem):
    _, history = fit(problem, Recipe(n_epochs=40, learning_rate=0.01))
    assert {name: len(values) for name, values in history.items()} == {"loss": 40, "accuracy": 40}
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    assert history["accuracy"][-1] >= 0.9


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(problem):
    weights = [fit(problem, Recipe(n_epochs=2), seed)[0].get_weights() for seed in (0, 0, 1)]
    for first, second in zip(weights[0], weights[1], strict=True):
        np.testing.assert_array_equal(first, second)
    assert any(not np.array_equal(first, other) for first, other in zip(weights[0], weights[2], strict=True))


@pytest.mark.slow
def test_the_same_holds_on_all_threads():
    """The default run computes in one thread, a process of its own in all, with the default network."""
    command = [sys.executable, "-c", ON_ALL_THREADS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr


def test_global_generators_are_left_as_they_were(problem):
    random.seed(3)
    np.random.seed(3)
    python_state, numpy_state = random.getstate(), np.random.get_state()
    fit(problem, Recipe(n_epochs=1))
    assert random.getstate() == python_state
    np.testing.assert_equal(np.random.get_state(), numpy_state)


def test_what_is_drawn_from_global_generators_follows_from_the_one_given():
    def drawn(seed):
        with seeded(np.random.default_rng(seed)):
            return random.random(), float(np.random.random())

    first, again, other = map(drawn, (0, 0, 1))
    assert first == again
    assert first[0] != other[0]
    assert first[1] != other[1]


def test_an_epoch_shows_every_case_once_in_a_new_order(rng):
    epochs = []
    for _ in range(2):
        batches = list(shuffled(10, 4, rng))
        assert [len(cases) for cases in batches] == [4, 4, 2]
        epochs.append(np.concatenate(batches))
        assert sorted(epochs[-1]) == list(range(10))
    assert list(epochs[0]) != list(epochs[1])
    equal = list(shuffled(9, 8, rng, equal=True))
    assert [len(cases) for cases in equal] == [5, 4]
    assert sorted(np.concatenate(equal)) == list(range(9))


def test_sample_weights_decide_what_is_learned(problem):
    """Cases of weight zero might as well have any target."""
    batch, targets, weights = problem
    ignored = np.arange(20) < 6
    weights = np.where(ignored, 0, 1).astype("float32")
    flipped = np.where(ignored[:, None], targets[:, ::-1], targets)
    recipe = Recipe(n_epochs=2)
    ends = [fit((batch, labels, weights), recipe)[0].get_weights() for labels in (targets, flipped)]
    for one, other in zip(*ends, strict=True):
        np.testing.assert_array_equal(one, other)


def test_schedule_warms_up_over_a_tenth_and_falls_as_half_a_cosine():
    shares = warm_up_and_cosine(100)
    np.testing.assert_allclose(shares[:10], np.arange(1, 11) / 10)
    np.testing.assert_allclose(shares[10:], 0.5 * (1 + np.cos(np.pi * np.arange(90) / 90)))
    assert warm_up_and_cosine(1).tolist() == [1]


def test_every_step_has_the_learning_rate_of_the_schedule(problem):
    rates = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda step, logs: rates.append(float(note.model.optimizer.learning_rate))
    )
    fit(problem, Recipe(n_epochs=5, batch_size=8, learning_rate=0.5), callbacks=[note])
    np.testing.assert_allclose(rates, 0.5 * warm_up_and_cosine(15), rtol=1e-6)


def test_the_first_of_equally_good_epochs_is_the_best():
    """So a loss that stays as it is exhausts the patience."""
    model, best = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]), BestEpoch("loss", 2)
    first = model.get_weights()
    for epoch in range(3):
        best.note(epoch, {"loss": 1.0}, model)
        model.set_weights([weight + 1 for weight in model.get_weights()])
    assert [best.is_long_ago(epoch) for epoch in (1, 2)] == [False, True]
    best.restore(model)
    for weight, expected in zip(model.get_weights(), first, strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_share_that_validates_is_rounded_up_as_scikit_learn_does():
    for share, n_cases, n_training in (
        (0.1, 25, 22),
        (0.25, 40, 30),
        (0.3, 10, 7),
        (0.01, 5, 4),
        (0.0, 3, 3),
    ):
        assert Recipe(validation_split=share).n_training(n_cases) == n_training


def test_optimizers_are_those_of_the_recipes():
    default, paper = (optimizer_of(RECIPES[name]) for name in ("default", "paper"))
    assert isinstance(default, keras.optimizers.AdamW)
    assert default.weight_decay == RECIPES["default"].weight_decay > 0
    assert type(paper) is keras.optimizers.Adam
    assert float(paper.learning_rate) == pytest.approx(1e-3)


def test_keep_best_ends_with_the_weights_of_the_lowest_training_loss(problem):
    """From the fourth epoch on the learning rate is far too high, so an early epoch is the best."""
    snapshots = []

    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 4:
                self.model.optimizer.learning_rate = 30.0

        def on_epoch_end(self, epoch, logs=None):
            snapshots.append(self.model.get_weights())

    recipe = dataclasses.replace(RECIPES["paper"], n_epochs=8, batch_size=20)
    model, history = fit(problem, recipe, callbacks=[Spoil()])
    best = int(np.argmin(history["loss"]))
    assert best < 7
    for weight, expected in zip(model.get_weights(), snapshots[best], strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_a_callback_can_stop_the_training(problem):
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(stop.model, "stop_training", epoch == 1)
    )
    _, history = fit(problem, Recipe(n_epochs=9), callbacks=[stop])
    assert len(history["loss"]) == 2


def test_other_backends_train_alike(problem, monkeypatch):
    """The step that every backend can do ends in the same weights as the one made for TensorFlow."""
    recipe = Recipe(n_epochs=2, batch_size=8)
    fast, _ = fit(problem, recipe)
    other = KerasBackend("tensorflow")
    monkeypatch.setattr(engine, "current", lambda: other)
    general, _ = fit(problem, recipe)
    for one, other in zip(fast.get_weights(), general.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_epochs": 0}, "`n_epochs` must be a positive integer. Received: n_epochs=0"),
        ({"batch_size": 1.5}, "`batch_size` must be a positive integer. Received: batch_size=1.5"),
        ({"learning_rate": 0.0}, "`learning_rate` must be positive. Received: learning_rate=0.0"),
        ({"optimizer": "adamW"}, "Did you mean 'adamw' or 'adam'"),
        ({"schedule": "step"}, "`schedule` must be one of 'cosine', 'plateau'"),
    ],
)
def test_bad_recipes_are_named(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Recipe(**changes)
