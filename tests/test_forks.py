"""A fork of a process in which Keras has computed says so, where it would wait for ever."""

import multiprocessing
import os
import pickle
import subprocess
import sys

import pytest

from mlstm_fcn import NetworkClassifier, models
from tests import own_networks
from tests.own_networks import QUICK, mean_then_dense

own = own_networks.own


FORKED = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


def _told(call, pipe):
    try:
        pipe.send(f"ended without an error: {call()}")
    except BaseException as error:
        pipe.send(f"{type(error).__name__}: {error}")


def answer_of_fork(call):
    """What a call answers in a fork of this process, in which TensorFlow has run; it may wait for ever."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=_told, args=(call, there))
    child.start()
    try:
        return here.recv() if here.poll(20) else "still waiting after 20 s"
    finally:
        child.kill()
        child.join()


@FORKED
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:.*fork:RuntimeWarning")
@pytest.mark.parametrize("use", ["predict", "shorter", "fit", "load", "build", "unpickled", "tune"])
def test_a_fork_of_a_process_that_has_computed_says_so(use, own, basic_motions):
    fitted, path = own
    X, y, pickled = basic_motions.X_test, basic_motions.y_test, pickle.dumps(fitted)
    calls = {
        "predict": lambda: fitted.predict(X),
        "shorter": lambda: fitted.predict(X[:, :, :50]),
        "fit": lambda: NetworkClassifier(network=mean_then_dense, **QUICK).fit(X, y),
        "load": lambda: NetworkClassifier.load(path),
        "build": lambda: models.build("fcn", (20, 2), 2),
        "unpickled": lambda: pickle.loads(pickled).predict(X),  # as a pool of processes does
        "tune": lambda: fitted.fine_tune(X, y),
    }
    answer = answer_of_fork(calls[use])
    assert answer.startswith("RuntimeError: The backend of Keras has run in a process of which this one")
    assert "'spawn' or 'forkserver'" in answer


CLEAN = """
import os
from mlstm_fcn.engine.forks import lost_in_fork, note_use

def in_fork(call):
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    os._exit(int(call()))

def use_and_fork():
    note_use()
    return lost_in_fork() or not in_fork(lost_in_fork)

assert in_fork(use_and_fork) == 0
assert not lost_in_fork()
"""


@FORKED
def test_a_fork_of_a_process_that_has_not_computed_may():
    """The child is the first that computes; a fork of it is lost."""
    subprocess.run([sys.executable, "-c", CLEAN], check=True, timeout=60)
