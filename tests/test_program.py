"""A compiled training is used again where it may be, and no fit can tell."""

import gc
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, engine, models
from mlstm_fcn.engine.fingerprint import architecture
from mlstm_fcn.engine.tensorflow_program import TensorFlowProgram
from tests.quick_fit import with_recipe
from tests.small_networks import networks, small_options

TRAIN = "train at rates"  # of the schedule


@pytest.fixture
def compiled(monkeypatch):
    """The kinds of steps that were compiled, from no kept program on."""
    kinds, compile_step = [], TensorFlowProgram._compile

    def counted(program, kind):
        kinds.append(kind)
        return compile_step(program, kind)

    monkeypatch.setattr(TensorFlowProgram, "_compile", counted)
    engine.current().idle.clear()
    return kinds


def problem(seed=0, steps=20):
    rng = np.random.default_rng(seed)
    y = np.arange(12) % 2
    return rng.normal(size=(12, 2, steps)) + y[:, None, None], y


def small(**options):
    options = {"filters": (4,), "kernel_sizes": (3,), "n_epochs": 3, "random_state": 0} | options
    return MLSTMFCNClassifier(**with_recipe(options))


def fit(data, **options):
    return small(**options).fit(*data)


def weights(classifier):
    return classifier.model_.get_weights()


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


def test_a_kept_program_trains_as_a_new_one(compiled):
    first = fit(problem(), validation_split=0.25)
    assert compiled == [TRAIN, "test"]
    other = fit(problem(1), validation_split=0.25, random_state=5)
    again = fit(problem(), validation_split=0.25)
    assert compiled == [TRAIN, "test"]
    assert same(first, again)
    assert first.history_ == again.history_
    assert not same(first, other)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", networks())
def test_networks_of_one_kind_are_known_to_be_alike_and_others_not(name, masked):
    shape, options = (24, 3), small_options(name)
    texts = [architecture(models.build(name, shape, 2, masked=masked, **options)) for _ in range(2)]
    assert texts[0] == texts[1] is not None
    assert architecture(models.build(name, shape, 3, masked=masked, **options)) != texts[0]


def test_an_ensemble_that_sees_in_several_ways_compiles_once_for_each(compiled):
    members = {"n_members": 4, "member_options": ({}, {"first_differences": True}), "n_epochs": 1}
    fit(problem(), **members)
    fit(problem(1), **members)
    assert compiled == [TRAIN, TRAIN]


def test_what_is_compiled_in_decides_whether_it_is_used_again(compiled):
    fit(problem())
    n_compiled = 1
    for options in ({"dropout": 0.5}, {"label_smoothing": 0.3}, {"optimizer": "sgd"}, {"lstm_units": 3}):
        fit(problem(), **options)
        n_compiled += 1
        assert len(compiled) == n_compiled, options
    for options in ({"n_epochs": 2}, {"batch_size": 5}, {"learning_rate": 0.1}):
        before = fit(problem(), **options)
        assert same(before, fit(problem(), **options))


def test_fits_of_other_lengths_and_labels_do_not_mix(compiled):
    alone = fit(problem(steps=30))
    fit(problem())
    assert same(alone, fit(problem(steps=30)))


def test_a_model_that_users_code_saw_is_not_used_again(compiled):
    class Vandal(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.get_layer("dropout").rate = 0.0

    expected = fit(problem())
    fit(problem(), callbacks=[Vandal()])
    assert same(expected, fit(problem()))


def test_an_own_loss_function_is_not_mistaken_for_another(compiled):
    for factor in (1.0, 0.0):

        def loss(y_true, y_pred, factor=factor):
            return factor * keras.losses.categorical_crossentropy(y_true, y_pred)

        last = fit(problem(), loss=loss)
    assert last.history_["loss"] == [0.0, 0.0, 0.0]


def test_an_interrupted_program_is_dropped_and_its_network_kept(compiled, monkeypatch):
    from mlstm_fcn.training.progress import ProgressBar

    def interrupt(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ProgressBar, "on_epoch_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            (classifier := small(verbose=1)).fit(*problem())
    assert len(engine.current().idle) == 0
    assert classifier.n_epochs_ == 2
    assert not same(classifier, fit(problem(), n_epochs=1))


def test_fits_in_threads_get_programs_of_their_own(compiled):
    expected = [fit(problem(seed), random_state=seed) for seed in range(4)]
    barrier = threading.Barrier(4)

    def fit_at_once(seed):
        barrier.wait(timeout=60)
        return fit(problem(seed), random_state=seed)

    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(expected, pool.map(fit_at_once, range(4)), strict=True):
            assert same(one, other)
    assert len(engine.current().idle) in range(1, 5)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is read as Linux tells it")
def test_memory_does_not_grow_with_each_fit(compiled):
    def resident():
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    for _ in range(3):
        fit(problem()).predict(problem()[0])
    before = resident()
    for _ in range(10):
        fit(problem()).predict(problem()[0])
    assert resident() - before < 40  # compiling each time it was 150 and more


FIFTY_FITS = """
import gc, os
from mlstm_fcn import MLSTMFCNClassifier, datasets

X, y = datasets.load("BasicMotions", "train")


def fit():
    MLSTMFCNClassifier(n_epochs=1).fit(X, y).predict(X)
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


before = [fit() for _ in range(3)][-1]
after = [fit() for _ in range(50)][-1]
print(after - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is read as Linux tells it")
def test_fifty_fits_of_the_default_network_leave_under_50_megabytes():
    command = [sys.executable, "-c", FIFTY_FITS]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=280).stdout
    assert float(output) < 50
