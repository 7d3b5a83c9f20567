import os
from functools import cache

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Tests neither use the user's data folders, nor the network."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MLSTM_FCN_CACHE", str(tmp_path_factory.mktemp("cache")))
    for name in ("MLSTM_FCN_DATA", "MLSTM_FCN_MIRROR"):
        patch.delenv(name, raising=False)
    for name in ("ZENODO", "SITE"):
        patch.setattr(f"mlstm_fcn.datasets.fetch.{name}", "http://127.0.0.1:9")
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def quickly_compiled(request):
    """The default run leaves out TensorFlow's graph optimizers, and computes in one thread.

    For networks this small either takes longer than it saves. Slow tests, and the processes that tests start,
    run with both, as users do.
    """
    if request.config.option.markexpr == "not slow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(scope="session", autouse=True)
def compiled_once():
    """Tests of one process share compiled steps and predictions, however many networks they use."""
    from mlstm_fcn import engine

    current = engine.current()
    current.idle.most, current.predictions.most_shared = 64, 128


@pytest.fixture(scope="session")
def onnx_in_one_attempt():
    """tf2onnx copies a graph before each pass, to go on without one that fails; here that is an error."""
    from tf2onnx import optimizer

    passes = optimizer.optimize_graph
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            optimizer, "optimize_graph", lambda graph, _, optimizers=None: passes(graph, False, optimizers)
        )
        yield


@pytest.fixture(autouse=True)
def same_weights_every_time():
    """A layer that a test makes starts at the same weights in every run and in every order of tests."""
    import keras

    keras.utils.set_random_seed(0)


@pytest.fixture
def uncompiled():
    """For some steps of many networks: to compile them takes far longer, and is tested elsewhere."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def in_order(monkeypatch):
    """Arrays are trained on in their order too, in batches of the same sizes."""
    from mlstm_fcn.training import loop

    shuffled = loop.shuffled

    def ordered(n_cases, *others):
        sizes = [len(batch) for batch in shuffled(n_cases, *others)]
        return np.split(np.arange(n_cases), np.cumsum(sizes)[:-1])

    monkeypatch.setattr(loop, "shuffled", ordered)


@pytest.fixture
def drawn_in_memory():
    """No window opens, and no figure is left."""
    import matplotlib
    import matplotlib.pyplot as plt

    before = matplotlib.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def basic_motions():
    from mlstm_fcn import datasets

    return datasets.load("BasicMotions")


@pytest.fixture(scope="session")
def data(basic_motions):
    """Series and labels to train on, as `fit(*data)`."""
    return basic_motions.X_train, basic_motions.y_train


@pytest.fixture(scope="session")
def motions(basic_motions):
    return basic_motions


@pytest.fixture(scope="session")
def classifier(motions):
    """A small network, trained so far that quantisation changes few of its classes."""
    from mlstm_fcn import MLSTMFCNClassifier
    from tests.exported import SMALL

    return MLSTMFCNClassifier(**SMALL).fit(motions.X_train, motions.y_train)


@pytest.fixture(scope="session")
def exported(classifier, motions, tmp_path_factory):
    """Paths of that classifier in a format, each written once."""
    from tests.exported import name_in

    @cache
    def path_of(format):
        path = name_in(tmp_path_factory.mktemp(format), format)
        notes = {"data": "BasicMotions", "metrics": {"a": 0.5}}
        return classifier.export(path, format, X=motions.X_test, **notes)

    return path_of


@pytest.fixture(scope="session")
def onnx(exported):
    return exported("onnx")
