"""What only a GPU can show; skipped where TensorFlow sees none.

Reasoned, not run: these tests were written without a GPU at hand. `pytest -m gpu` runs them alone.
"""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from mlstm_fcn import Engine, MLSTMFCNClassifier, doctor, engine
from mlstm_fcn.engine.fast_tensorflow import BlockLSTM
from mlstm_fcn.engine.on_tensorflow import TensorFlowBackend
from tests.quick_fit import THREE_BLOCKS, small

GPUS = len(tf.config.list_physical_devices("GPU"))

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not GPUS, reason="TensorFlow sees no GPU"),
]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_fit_on_the_gpu_learns_as_on_the_cpu(precision, motions):
    options = {**THREE_BLOCKS, "n_epochs": 15, "dropout": 0.0}
    losses = [
        small(**options, engine=Engine(precision=precision, device=device))
        .fit(motions.X_train, motions.y_train)
        .history_["loss"]
        for device in ("cpu", "gpu")
    ]
    np.testing.assert_allclose(*losses, atol=0.02 if precision == "float32" else 0.1)


def test_training_is_on_the_gpu_by_default_and_on_the_cpu_if_it_is_asked(monkeypatch, motions):
    places, train = [], TensorFlowBackend.program_type.fget

    def seen(self):
        places.append(self.on_cpu)
        return train(self)

    monkeypatch.setattr(TensorFlowBackend, "program_type", property(seen))
    for device in ("auto", "cpu"):
        small(engine=Engine(device=device)).fit(motions.X_train, motions.y_train)
    assert places == [False, True]


def test_the_variables_of_a_program_are_on_the_chosen_device(motions):
    made = engine.current()
    network = keras.Sequential([keras.Input((6, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    for device, kind in (("cpu", "CPU"), ("gpu", "GPU")):
        given = network, keras.optimizers.Adam(0.01), "mse", []
        with made.on(Engine(device=device)), made.program(*given, reusable=False) as program:
            assert all(kind in variable.value.device for variable in program.model.variables)


def test_an_lstm_is_left_to_cudnn():
    layer = engine.current().fast_layer(keras.layers.LSTM(8))
    assert not isinstance(layer, BlockLSTM)
    assert not engine.current().unrolls(4)


def test_memory_is_taken_as_it_is_needed():
    code = (
        "import tensorflow as tf; from mlstm_fcn import engine; engine.current();"
        "print([tf.config.experimental.get_memory_growth(g) for g in tf.config.list_physical_devices('GPU')])"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output.splitlines()[-1] == str([True] * GPUS)


def test_the_doctor_times_a_step_on_every_device():
    facts = dict(doctor.examine())
    assert "floor on gpu:0" in facts
    assert "problem" not in facts
    assert "compute capability" in facts["precision"]


@pytest.mark.skipif(GPUS < 2, reason="one GPU")
def test_several_gpus_train_as_one(motions):
    options = {**THREE_BLOCKS, "n_epochs": 5, "dropout": 0.0}
    losses = [
        small(**options, engine=Engine(precision="float32", distribution=distribution))
        .fit(motions.X_train, motions.y_train)
        .history_["loss"]
        for distribution in (None, "data")
    ]
    np.testing.assert_allclose(*losses, atol=1e-2)


def test_a_model_that_was_trained_on_a_gpu_predicts_on_a_cpu(motions, tmp_path):
    path = tmp_path / "it.keras"
    classifier = small(engine=Engine(device="gpu")).fit(motions.X_train, motions.y_train)
    classifier.save(path)
    np.save(tmp_path / "X.npy", motions.X_test)
    code = (
        "import sys, numpy as np; from mlstm_fcn import MLSTMFCNClassifier;"
        "made = MLSTMFCNClassifier.load(sys.argv[1] + '/it.keras');"
        "np.save(sys.argv[1] + '/p.npy', made.predict_proba(np.load(sys.argv[1] + '/X.npy')))"
    )
    subprocess.run(["env", "CUDA_VISIBLE_DEVICES=-1", sys.executable, "-c", code, str(tmp_path)], check=True)
    expected = MLSTMFCNClassifier.load(path).predict_proba(motions.X_test)
    np.testing.assert_allclose(np.load(tmp_path / "p.npy"), expected, atol=1e-3)
