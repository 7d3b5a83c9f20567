"""A training that ends early leaves what it has; one that was killed goes on where it was."""

import os
import signal
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier
from mlstm_fcn.training.best_epoch import BestEpoch
from mlstm_fcn.training.checkpoint import Checkpoint, identity
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.recipes import Recipe
from tests import quick_fit
from tests.quick_fit import with_recipe

SMALL = {**quick_fit.SMALL, "n_epochs": 6, "batch_size": 16}


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C at the beginning of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def test_an_interrupted_fit_leaves_the_epochs_that_it_had(basic_motions):
    classifier = MLSTMFCNClassifier(**SMALL, callbacks=[Interrupt(4)])
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(basic_motions.X_train, basic_motions.y_train)
    assert classifier.n_epochs_ == len(classifier.history_["loss"]) == 4
    assert classifier.predict_proba(basic_motions.X_test).shape == (40, 4)


def test_a_fit_interrupted_in_its_first_epoch_leaves_nothing(basic_motions):
    classifier = MLSTMFCNClassifier(**SMALL, callbacks=[Interrupt(0)])
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(basic_motions.X_train, basic_motions.y_train)
    with pytest.raises(ValueError, match="has not been fitted"):
        classifier.predict(basic_motions.X_test)


SCRIPT = """
import os, signal, sys
import keras
from mlstm_fcn import MLSTMFCNClassifier, datasets
from tests.quick_fit import with_recipe

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)

motions = datasets.load("BasicMotions")
parameters = with_recipe(eval(sys.argv[2]))
classifier = MLSTMFCNClassifier(**parameters, checkpoint=sys.argv[1], callbacks=[Kill()])
classifier.fit(motions.X_train, motions.y_train)
"""


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({}, id="default"),
        pytest.param(
            {
                "validation_split": 0.25,
                "patience": 6,
                "optimizer": "sgd",
                "learning_rate": 20.0,
                "schedule": "plateau",
            },
            id="validation and best epoch",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_killed_fit_goes_on_and_ends_as_if_it_had_not_been(parameters, basic_motions, tmp_path):
    checkpoint, parameters = tmp_path / "state.npz", {**SMALL, **parameters}
    command = [sys.executable, "-c", SCRIPT, str(checkpoint), repr(parameters)]
    killed = subprocess.run(command, timeout=200, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
    assert killed.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]
    X, y = basic_motions.X_train, basic_motions.y_train
    steps = []
    note = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda step, logs: steps.append(step))
    callbacks = [note, Interrupt(5)]
    with pytest.raises(KeyboardInterrupt):
        MLSTMFCNClassifier(**with_recipe(parameters), checkpoint=str(checkpoint), callbacks=callbacks).fit(
            X, y
        )
    n_steps = max(steps) + 1
    assert steps == [*range(n_steps)] * 3  # epochs 2, 3 and 4
    resumed = MLSTMFCNClassifier(**with_recipe(parameters), checkpoint=str(checkpoint)).fit(X, y)
    assert not checkpoint.exists()
    whole = MLSTMFCNClassifier(**with_recipe(parameters)).fit(X, y)
    if "patience" in parameters:  # the best epoch is one that the killed process had
        assert np.argmin(whole.history_["val_loss"]) < 2
    for series in (X, basic_motions.X_test):
        np.testing.assert_allclose(resumed.predict_proba(series), whole.predict_proba(series), atol=1e-6)


def interrupted(path, basic_motions, **parameters):
    classifier = MLSTMFCNClassifier(
        **with_recipe({**SMALL, **parameters}), checkpoint=str(path), callbacks=[Interrupt(2)]
    )
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(basic_motions.X_train, basic_motions.y_train)


def test_a_checkpoint_keeps_all_that_training_changes(tmp_path):
    """Weights, optimizer, order of cases, history, and the best epoch with its weights."""

    def begun(seed):
        keras.utils.set_random_seed(seed)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
        model.compile("adam", "mean_squared_error")
        model.optimizer.build(model.trainable_variables)
        rng, history, best = np.random.default_rng(seed), {}, BestEpoch("loss", patience=2)
        return model, rng, history, best, Checkpoint(tmp_path / "state", model, rng, history, best, "it")

    model, rng, history, best, state = begun(0)
    best_weights = model.get_weights()
    for epoch, loss in enumerate([0.5, 0.7]):
        history.setdefault("loss", []).append(loss)
        best.note(epoch, {"loss": loss}, model)
        model.optimizer.apply([keras.ops.ones(weight.shape) for weight in model.trainable_variables])
    state.save()
    other, same_rng, same_history, same_best, resumed = begun(1)
    replayed = []

    class Replayed(keras.callbacks.Callback):
        """As a callback that lowers the learning rate; the file has the rate of the end already."""

        def on_epoch_end(self, epoch, logs=None):
            replayed.append((epoch, logs["loss"]))
            self.model.optimizer.learning_rate = 9.0

    assert resumed.resume(keras.callbacks.CallbackList([Replayed()], model=other)) == 2
    assert replayed == [(0, 0.5), (1, 0.7)]
    assert same_history == {"loss": [0.5, 0.7]}
    assert same_rng.random() == rng.random()
    for one, kept in zip(
        model.variables + model.optimizer.variables, other.variables + other.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(kept, one)
    assert [same_best.is_long_ago(epoch) for epoch in (1, 2)] == [False, True]
    same_best.note(2, {"loss": 0.6}, other)
    same_best.restore(other)
    for kept, expected in zip(other.get_weights(), best_weights, strict=True):
        np.testing.assert_array_equal(kept, expected)


def test_history_after_resuming_is_that_of_all_epochs(basic_motions, tmp_path):
    interrupted(tmp_path / "state", basic_motions)
    resumed = MLSTMFCNClassifier(**SMALL, checkpoint=str(tmp_path / "state"))
    resumed.fit(basic_motions.X_train, basic_motions.y_train)
    whole = MLSTMFCNClassifier(**SMALL).fit(basic_motions.X_train, basic_motions.y_train)
    assert resumed.n_epochs_ == 6
    np.testing.assert_allclose(resumed.history_["loss"], whole.history_["loss"], rtol=1e-5)


@pytest.fixture(scope="module")
def left_over(basic_motions, tmp_path_factory):
    """What an interrupted training left in its file."""
    path = tmp_path_factory.mktemp("interrupted") / "state"
    interrupted(path, basic_motions)
    return path.read_bytes()


@pytest.mark.usefixtures("uncompiled")
def test_a_checkpoint_of_the_same_training_is_taken_and_removed(left_over, basic_motions, tmp_path):
    path = tmp_path / "state"
    path.write_bytes(left_over)
    classifier = MLSTMFCNClassifier(**SMALL, checkpoint=str(path))
    assert classifier.fit(basic_motions.X_train, basic_motions.y_train).n_epochs_ == 6
    assert not path.exists()


def test_a_training_is_another_where_anything_that_decides_it_is_another():
    def of(weight=0.0, series=1.0, validation=None, optimizer="adam", loss="mse", **options):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="it")])
        model.set_weights([np.full((2, 1), weight), np.zeros(1)])
        model.compile(optimizer, loss)
        data = [
            None if value is None else Dataset([np.full((3, 2), value)], np.ones((3, 1)), np.ones(3))
            for value in (series, validation)
        ]
        return identity(model, *data, Recipe(**options))

    changes = [
        {"weight": 1.0},
        {"series": 2.0},
        {"validation": 1.0},
        {"validation": 2.0},
        {"optimizer": "sgd"},
    ]
    changes += [{"loss": "mae"}, {"n_epochs": 3}, {"augmentation": {"jitter": 0.1}}, {"patience": 2}]
    assert of() == of()
    assert len({of(), *(of(**change) for change in changes)}) == len(changes) + 1


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize(
    "change",
    [
        {"n_epochs": 7},
        {"batch_size": 8},
        {"filters": (6,)},
        {"scaling": None},
        {"random_state": 1},
        {"dropout": 0.5},
        {"head": "max"},
        {"label_smoothing": 0.3},
        {"loss": "kl_divergence"},
        {"optimizer": "adam"},
    ],
)
def test_a_checkpoint_of_another_training_is_refused_and_kept(change, left_over, basic_motions, tmp_path):
    path = tmp_path / "state"
    path.write_bytes(left_over)
    with pytest.raises(
        ValueError, match="belongs to a training with other data, settings or network; delete it"
    ):
        MLSTMFCNClassifier(**with_recipe({**SMALL, **change}), checkpoint=str(path)).fit(
            basic_motions.X_train, basic_motions.y_train
        )
    assert path.read_bytes() == left_over


def test_the_folder_of_a_checkpoint_must_be_there(basic_motions, tmp_path):
    classifier = MLSTMFCNClassifier(**SMALL, checkpoint=tmp_path / "missing" / "state")
    with pytest.raises(FileNotFoundError, match=r"folder of the checkpoint .*missing.state does not exist"):
        classifier.fit(basic_motions.X_train, basic_motions.y_train)


def test_a_checkpoint_needs_a_seed(basic_motions, tmp_path):
    with pytest.raises(ValueError, match="`checkpoint` requires an integer as `random_state`"):
        interrupted(tmp_path / "state", basic_motions, random_state=None)


def test_an_interrupted_fit_ends_its_progress_bar(basic_motions, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal
    threads = threading.active_count()
    classifier = MLSTMFCNClassifier(**SMALL, callbacks=[Interrupt(1)], verbose=1)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(basic_motions.X_train, basic_motions.y_train)
    assert threading.active_count() == threads


def test_a_damaged_checkpoint_is_named(left_over, basic_motions, tmp_path):
    path = tmp_path / "state"
    path.write_bytes(left_over[:1000])
    with pytest.raises(ValueError, match="is damaged, or not a checkpoint"):
        interrupted(path, basic_motions)
