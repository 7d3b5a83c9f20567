"""Members that train in processes: the same to the bit, and nothing is lost when they end early."""

import os
from concurrent.futures import Future

import cloudpickle
import keras
import numpy as np
import pytest
import tensorflow as tf

from mlstm_fcn import Engine, NetworkClassifier, Recipe, engine, memmap
from mlstm_fcn._orphans import exit_with
from mlstm_fcn.fitting import schedule
from tests.quick_fit import assert_same, small
from tests.small_networks import with_own_layer

IN_TWO = Engine(n_jobs=2)


@pytest.fixture(scope="module", autouse=True)
def compiled_as_in_other_processes():
    """Processes have TensorFlow's graph optimizers, which other default tests leave out."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
    engine.current().idle.clear()
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    engine.current().idle.clear()


@pytest.fixture(scope="module")
def data(motions):
    return motions.X_train, motions.y_train


@pytest.fixture(scope="module")
def in_turn(data):
    return small(n_members=3).fit(*data)


class OwnLoss(keras.losses.Loss):
    """A loss of a user."""

    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


class InThisProcess:
    """A pool that trains copies at once, here: for what happens around the processes."""

    ended = False

    def submit(self, function, *arguments):
        future = Future()
        try:
            future.set_result(function(*cloudpickle.loads(cloudpickle.dumps(arguments))))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, kill_workers):
        self.ended = kill_workers


@pytest.fixture
def pool(monkeypatch):
    made = InThisProcess()

    def executor(n_processes, timeout, env, initializer, initargs):
        assert initializer is exit_with  # with this process
        assert initargs == (os.getpid(),)
        made.n_processes, made.env = n_processes, env
        return made

    monkeypatch.setattr(schedule, "get_reusable_executor", executor)
    return made


def test_each_process_has_one_thread_and_there_are_no_more_than_members(data, pool, monkeypatch):
    """So a fit with `n_jobs` takes as many cores, and sums in the order of one process."""

    def nothing(network, lesson, rng, history, checkpoint):
        history["loss"] = [0.0]

    monkeypatch.setitem(schedule.TRAINERS, "gradient", nothing)
    small(n_members=2, n_epochs=1, engine=Engine(n_jobs=3)).fit(*data)
    assert pool.n_processes == 2
    assert [pool.env[name] for name in schedule._THREADS] == ["1"] * 3
    assert "OMP_NUM_THREADS" in schedule._THREADS


def interrupted_after(n_members, monkeypatch):
    """An interrupt from the keyboard once some members are whole."""

    def interrupted(futures):
        yield from list(futures)[:n_members]
        raise KeyboardInterrupt

    monkeypatch.setattr(schedule, "as_completed", interrupted)


def test_the_result_is_that_of_one_process_to_the_bit(data, in_turn):
    side_by_side = small(n_members=3, engine=IN_TWO).fit(*data)
    assert_same(side_by_side, in_turn)
    assert side_by_side.history_ == in_turn.history_


def test_an_interrupt_leaves_the_members_that_are_whole(data, pool, monkeypatch):
    interrupted_after(1, monkeypatch)
    classifier = small(n_members=3, engine=IN_TWO)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(*data)
    assert len(classifier.fitted_.members) == 1
    assert classifier.n_epochs_ == 3
    assert classifier.predict(data[0]).shape == (40,)
    assert pool.ended


def test_an_interrupt_of_further_training_keeps_all_members(data, in_turn, pool, monkeypatch):
    interrupted_after(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt) as caught:
        in_turn.fine_tune(*data, engine=IN_TWO)
    assert len(caught.value.fitted.members) == 3


def test_an_interrupt_before_a_member_is_whole_leaves_nothing_fitted(data, pool, monkeypatch):
    interrupted_after(0, monkeypatch)
    classifier = small(n_members=3, engine=IN_TWO)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(*data)
    assert not classifier.is_fitted


def test_a_fit_that_was_ended_resumes_from_its_checkpoints(data, in_turn, pool, tmp_path, monkeypatch):
    options = {"n_members": 3, "engine": IN_TWO, "checkpoint": tmp_path / "state.npz"}
    with monkeypatch.context() as patch:
        interrupted_after(2, patch)
        with pytest.raises(KeyboardInterrupt):
            small(**options).fit(*data)
    assert (tmp_path / "state.npz").exists()
    assert_same(small(**options).fit(*data), in_turn)
    assert not list(tmp_path.iterdir())


def test_an_error_ends_the_processes_and_keeps_what_is_whole(data, pool, monkeypatch):
    train, calls = schedule.TRAINERS["gradient"], []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise ArithmeticError("the second one")
        train(*arguments)

    monkeypatch.setitem(schedule.TRAINERS, "gradient", failing)
    monkeypatch.setattr(schedule, "as_completed", list)  # in order
    with pytest.raises(ArithmeticError, match="the second one") as caught:
        small(n_members=3, engine=IN_TWO).fit(*data)
    assert pool.ended
    assert len(caught.value.fitted.members) == 1


def test_what_other_processes_cannot_do_is_refused(data, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="`callbacks` would run in other processes, unseen"):
        small(n_members=2, engine=IN_TWO, callbacks=[keras.callbacks.TerminateOnNaN()]).fit(*data)
    monkeypatch.setattr(memmap, "LARGE", 0)
    np.save(tmp_path / "X.npy", data[0])
    series = np.load(tmp_path / "X.npy", mmap_mode="r")
    with pytest.raises(ValueError, match="Memory-mapped series and loaders need one process"):
        small(n_members=2, engine=IN_TWO).fit(series, data[1])
    options = {"network": with_own_layer, "n_members": 2, "n_epochs": 1}
    with pytest.raises(ValueError, match="A network with layers of your own needs one process"):
        NetworkClassifier(**options, engine=IN_TWO).fit(*data)
    with pytest.raises(ValueError, match="A loss or optimizer of your own needs one process"):
        small(n_members=2, engine=IN_TWO, recipe=Recipe(loss=OwnLoss())).fit(*data)
    monkeypatch.setitem(engine.current().__dict__, "default_kind", "gpu")
    with pytest.raises(ValueError, match="Processes side by side need a CPU"):
        small(n_members=2, engine=IN_TWO).fit(*data)
    with pytest.raises(ValueError, match="`n_jobs` must be a positive integer"):
        Engine(n_jobs=0)
