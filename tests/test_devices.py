"""A chosen device, and several: the same training, and words for what is not there."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from mlstm_fcn import Engine, MLSTMFCNClassifier, NetworkClassifier, engine, models
from mlstm_fcn.engine import placement
from mlstm_fcn.engine.on_keras import KerasBackend
from mlstm_fcn.engine.on_tensorflow import TensorFlowBackend, _let_memory_grow
from tests.quick_fit import assert_same, small
from tests.small_networks import with_own_layer

GPUS = ["cpu:0", "gpu:0", "gpu:1"]


# What users say.


@pytest.mark.parametrize("device", ["gpu:", "cuda", "cpu:one", 0, None, "auto:1"])
def test_other_names_of_devices_are_refused(device):
    with pytest.raises(ValueError, match="`device` must be 'auto', 'cpu', 'gpu', or one of several"):
        Engine(device=device)


def test_a_distribution_needs_all_devices_of_a_kind_and_one_process():
    with pytest.raises(ValueError, match=r"`distribution` must be one of None, 'data'"):
        Engine(distribution="model")
    for others in ({"device": "gpu:1"}, {"n_jobs": 2}):
        with pytest.raises(ValueError, match="`distribution` requires all devices of a kind"):
            Engine(distribution="data", **others)


@pytest.mark.parametrize(
    ("options", "available", "expected"),
    [
        ({}, GPUS, []),
        ({"device": "cpu"}, GPUS, ["cpu:0"]),
        ({"device": "gpu"}, GPUS, ["gpu:0"]),
        ({"device": "gpu:1"}, GPUS, ["gpu:1"]),
        ({"distribution": "data"}, GPUS, ["gpu:0", "gpu:1"]),
        ({"distribution": "data"}, ["cpu:0", "cpu:1"], ["cpu:0", "cpu:1"]),
        ({"distribution": "data", "device": "cpu"}, [*GPUS, "cpu:1"], ["cpu:0", "cpu:1"]),
    ],
)
def test_an_engine_chooses_among_the_devices_that_the_backend_sees(options, available, expected):
    assert placement.chosen(Engine(**options), available, "tensorflow") == expected


def test_devices_that_are_not_there_are_named(monkeypatch):
    monkeypatch.setattr(placement, "unusable_gpu", lambda *_: "Run `pip install it`.")
    rule = r"`device` must be a device that tensorflow sees. Run `pip install it`. Received: device='gpu'"
    with pytest.raises(ValueError, match=rule):
        placement.chosen(Engine(device="gpu"), ["cpu:0"], "tensorflow")
    with pytest.raises(ValueError, match="at least two devices that jax sees"):
        placement.chosen(Engine(distribution="data"), ["cpu:0", "gpu:0"], "jax")


def test_nested_names_reach_devices():
    classifier = MLSTMFCNClassifier().set_params(engine__device="cpu")
    assert classifier.engine == Engine(device="cpu")
    assert classifier.get_params()["engine__distribution"] is None


# What a chosen device changes.


def test_a_device_in_use_decides_what_suits_it_and_leaves_nothing_behind(monkeypatch):
    made = TensorFlowBackend()
    monkeypatch.setattr(TensorFlowBackend, "devices", lambda self: GPUS)
    made.__dict__["default_kind"] = "gpu"
    network = models.build("fcn", (20, 3), 4, filters=(4,), kernel_sizes=(3,))
    monkeypatch.setattr("mlstm_fcn.engine.on_tensorflow.has_fast_convolutions", lambda: True)
    assert not made.on_cpu
    with made.on(Engine(device="cpu")):
        assert made.on_cpu
        assert made.precision_for(network, "auto") == "bfloat16"
    assert not made.on_cpu
    assert made.precision_for(network, "auto") == "float32"  # of no GPU that is known
    assert placement.in_use() == ()


def test_the_device_that_is_the_default_trains_to_the_bit_as_the_default(motions):
    data = motions.X_train, motions.y_train
    assert_same(small(engine=Engine(device="cpu")).fit(*data), small().fit(*data))


def test_networks_with_layers_of_the_user_and_other_backends_take_no_device(motions):
    options = {"network": with_own_layer, "n_epochs": 1, "engine": Engine(device="cpu")}
    with pytest.raises(ValueError, match="layers of your own trains on the default device"):
        NetworkClassifier(**options).fit(motions.X_train, motions.y_train)
    in_use = KerasBackend("torch").on(Engine(device="cpu"))
    with pytest.raises(ValueError, match="`device` requires the backend 'tensorflow' or 'jax'"), in_use:
        pass


def test_a_saved_estimator_keeps_its_engine_and_opens_where_the_device_is_missing(motions, tmp_path):
    classifier = small().fit(motions.X_train, motions.y_train)
    classifier.engine = Engine(device="gpu:3")
    classifier.save(tmp_path / "it.keras")
    loaded = MLSTMFCNClassifier.load(tmp_path / "it.keras")
    assert loaded.engine == Engine(device="gpu:3")
    np.testing.assert_array_equal(
        loaded.predict_proba(motions.X_test), classifier.predict_proba(motions.X_test)
    )


def test_memory_of_gpus_grows_unless_the_user_has_set_it_otherwise(monkeypatch):
    import tensorflow as tf

    asked = []

    def set_growth(gpu, grows):
        asked.append((gpu, grows))
        if gpu == "limited":
            raise ValueError("Cannot set memory growth on device when virtual devices configured")

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["limited", "free"])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", set_growth)
    _let_memory_grow()
    assert asked == [("limited", True), ("free", True)]


# Several devices, in processes that see two.


def test_batches_of_one_size_are_one_loop_and_loops_are_short():
    of_equal_size = pytest.importorskip("mlstm_fcn.engine.jax_program", exc_type=ImportError)._of_equal_size
    batches = [np.arange(size) for size in (4, 4, 3, 3, 3)]
    assert [*of_equal_size(batches)] == [slice(0, 2), slice(2, 5)]
    assert [*of_equal_size([np.arange(2)] * 600)] == [slice(0, 256), slice(256, 512), slice(512, 600)]


TWO_DEVICES = """
import os, sys
backend, kind = sys.argv[1:3]
if backend == "tensorflow":
    import tensorflow as tf
    cpu, one = tf.config.list_physical_devices("CPU")[0], tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(cpu, [one, one])
import keras, numpy as np
from mlstm_fcn import Engine, MLSTMFCNClassifier, Recipe, engine

assert engine.current().devices() == ["cpu:0", "cpu:1"]
rng, y = np.random.default_rng(0), np.arange(35) % 2
X = rng.normal(size=(35, 3, 20)) + y[:, None, None]
if kind == "masked":
    X = np.where(np.arange(20) < np.r_[20, rng.integers(8, 21, 34)][:, None, None], X, np.nan)
options = {"filters": (4, 8), "kernel_sizes": (5, 3), "reduction": 4, "dropout": 0.0, "random_state": 0}
options |= {"n_epochs": 4, "batch_size": 9, "validation_split": 0.2}  # shares of 4 and 3 cases
if backend == "jax":  # which compiles slowly
    options |= {"filters": (4,), "kernel_sizes": (3,)}
if kind == "differences":
    options |= {"recipe": Recipe(network_options={"first_differences": True})}
if kind == "best":
    options |= {"recipe": Recipe(keep_best=True, schedule="plateau"), "checkpoint": sys.argv[3]}
if kind == "bfloat16":
    options["engine__precision"] = "bfloat16"


def fit(**engine):
    made = MLSTMFCNClassifier().set_params(**options)
    return made.set_params(**{f"engine__{name}": value for name, value in engine.items()}).fit(X, y)


tolerance = 5e-3 if kind == "bfloat16" else 1e-4
alone = fit()
for other in (fit(distribution="data"), fit(device="cpu:1"), fit(distribution="data")):
    assert other.history_.keys() == alone.history_.keys() >= {"val_loss", "accuracy"}
    for name, figures in alone.history_.items():
        np.testing.assert_allclose(other.history_[name], figures, atol=tolerance, err_msg=name)
    np.testing.assert_allclose(other.predict_proba(X), alone.predict_proba(X), atol=tolerance)
if backend == "jax":  # the fitted network is on the default device
    assert len(other.model_.trainable_variables[0].value.devices()) == 1
try:
    MLSTMFCNClassifier(batch_size=1, engine=Engine(distribution="data")).fit(X, y)
except ValueError as error:
    assert "Each batch must have a case for each device" in str(error)
else:
    assert backend == "jax"  # which pads shares
"""


def two_devices(code, *arguments):
    """Run code in a process that sees two CPUs."""
    settings = {"KERAS_BACKEND": arguments[0], "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    ended = subprocess.run(
        command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=280
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["whole", "masked", "differences", "best", "bfloat16"])
def test_two_devices_of_tensorflow_train_as_one(kind, tmp_path):
    two_devices(TWO_DEVICES, "tensorflow", kind, tmp_path / "state.npz")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["masked", "best"])
def test_two_devices_of_jax_train_as_one(kind, tmp_path):
    pytest.importorskip("jax")
    two_devices(TWO_DEVICES, "jax", kind, tmp_path / "state.npz")


LOOP = """
import jax, keras, numpy as np
from mlstm_fcn import engine, models
from mlstm_fcn.engine.on_jax import JaxBackend
from mlstm_fcn.training.dataset import BatchSource, Dataset

rng, y = np.random.default_rng(0), np.arange(23) % 2
series = (rng.normal(size=(23, 12, 2)) + y[:, None, None]).astype("float32")
data = Dataset([series], np.eye(2, dtype="float32")[y], np.ones(23, "float32"))
batches, ends = np.array_split(np.arange(23), 5), []


def trained(kind, rates):
    keras.utils.set_random_seed(0)
    network = models.build("fcn", (12, 2), 2, filters=(4,), kernel_sizes=(3,))
    made, source = JaxBackend(), BatchSource(data)
    made.__dict__["default_kind"] = kind
    given = network, keras.optimizers.AdamW(0.01), "categorical_crossentropy", ["accuracy"]
    with made.program(*given, reusable=False) as program:
        program.prepare(source)
        program.model.reset_metrics()
        figures = [program.train(source, batches, rates) for _ in range(2)]
        calls = type(program).__name__
    return [*network.get_weights(), *(value for one in figures for _, value in sorted(one.items()))], calls


for rates in (np.linspace(0.01, 0.001, 5), None):
    (steps, one), (loop, other) = trained("cpu", rates), trained("gpu", rates)
    assert (one, other) == ("JaxProgram", "JaxLoopProgram")
    for a, b in zip(steps, loop, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
"""


@pytest.mark.slow
def test_steps_in_one_call_of_jax_are_the_steps_one_by_one():
    pytest.importorskip("jax")
    two_devices(LOOP, "jax")


def test_the_engine_in_use_is_one_object_whatever_the_device():
    with engine.current().on(Engine(device="cpu")):
        assert engine.current() is engine.current()


TWO_PROCESSES = """
import sys
import jax
jax.distributed.initialize(f"127.0.0.1:{sys.argv[2]}", 2, int(sys.argv[3]), initialization_timeout=120)
import keras, numpy as np
from mlstm_fcn import Engine, MLSTMFCNClassifier, engine

assert len(engine.current().devices()) == 2 and len(jax.local_devices()) == 1
rng, y = np.random.default_rng(0), np.arange(28) % 2
X = rng.normal(size=(28, 3, 20)) + y[:, None, None]
options = {"filters": (4,), "kernel_sizes": (3,), "dropout": 0.0, "random_state": 0}
options |= {"n_epochs": 3, "batch_size": 7}
alone = MLSTMFCNClassifier(**options).fit(X, y)
both = MLSTMFCNClassifier(**options, engine=Engine(distribution="data")).fit(X, y)
np.testing.assert_allclose(both.history_["loss"], alone.history_["loss"], atol=1e-4)
np.testing.assert_allclose(both.predict_proba(X), alone.predict_proba(X), atol=1e-4)
"""


@pytest.mark.slow
def test_two_processes_of_jax_on_loopback_train_as_one():
    pytest.importorskip("jax")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    settings = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_PROCESSES, "jax", port, str(number)],
            env=settings,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    try:
        ended = [(process.communicate(timeout=240)[1], process.returncode) for process in both]
        assert [code for _, code in ended] == [0, 0], ended[0][0][-2000:]
    finally:
        for process in both:
            process.kill()
