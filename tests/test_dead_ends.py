"""Where users were stuck: saved own networks, forked processes, masks, and messages without a repair."""

import json
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, datasets, export, models
from mlstm_fcn.benchmark.estimators import fingerprint
from mlstm_fcn.export import FORMATS
from tests import quick_fit
from tests.test_any_network import mean_then_dense, plain, sequential

QUICK = {"n_epochs": 1, "batch_size": 8, "random_state": 0}
LOST = pytest.mark.filterwarnings("ignore:The file keeps the network, but not the function")


# A network of the user's own, saved and loaded.


@pytest.fixture(scope="module")
def own(basic_motions, tmp_path_factory):
    """A fitted network of a function that takes a mask, and its file."""
    fitted = NetworkClassifier(network=mean_then_dense, network_params={"units": 5}, **QUICK)
    fitted.fit(basic_motions.X_train, basic_motions.y_train)
    path = tmp_path_factory.mktemp("own") / "own.keras"
    with pytest.warns(UserWarning, match=r"not the function that made it.*load\(path, network=...\)"):
        fitted.save(path)
    return fitted, path


def test_it_is_fitted_again_after_it_was_loaded(own, basic_motions):
    """From new weights of the same seed, so that the result is the same to the bit."""
    _, path = own
    X, y = basic_motions.X_train, basic_motions.y_train
    loaded = NetworkClassifier.load(path)
    before = loaded.predict_proba(X)
    loaded.partial_fit(X, y).fit(X, y)
    assert loaded.model_.layers[-1].layers[-2].units == 5
    assert loaded.n_epochs_ == 1
    np.testing.assert_array_equal(loaded.predict_proba(X), before)
    with pytest.raises(ValueError, match="a Keras model has its own already"):
        loaded.set_params(network_params={"units": 6}).fit(X, y)


def test_it_is_trained_further_after_it_was_loaded(own, basic_motions):
    """The loaded estimator makes the same step as the one that was saved, from the same weights."""
    fitted, path = own
    X, y = basic_motions.X_train, basic_motions.y_train
    in_memory = fitted.fine_tune(X, y)
    loaded = NetworkClassifier.load(path)
    quick_fit.assert_same(loaded.fine_tune(X, y), in_memory)
    twin = NetworkClassifier.load(path).fine_tune(X, y)
    quick_fit.assert_same(loaded.partial_fit(X, y), NetworkClassifier.load(path).partial_fit(X, y))
    assert loaded.n_epochs_ == 2
    assert quick_fit.differ(loaded, twin.partial_fit(X, y))


def test_other_classes_get_another_head(own, basic_motions):
    _, path = own
    X, y = basic_motions.X_train, basic_motions.y_train
    tuned = NetworkClassifier.load(path).fine_tune(X, np.where(y == "Running", "yes", "no"))
    assert tuned.predict_proba(X).shape == (40, 2)


def test_loaded_with_its_function_it_reads_other_lengths(own, basic_motions):
    fitted, path = own
    shorter = basic_motions.X_test[:, :, :50]
    loaded = NetworkClassifier.load(path, network=mean_then_dense)
    assert loaded.get_params() == fitted.get_params()
    np.testing.assert_array_equal(loaded.predict_proba(shorter), fitted.predict_proba(shorter))
    without = NetworkClassifier.load(path)
    with pytest.raises(ValueError, match=r"set `network` to it, as in `load\(path, network=...\)`"):
        without.predict(shorter)
    without.network = mean_then_dense  # as the message says
    np.testing.assert_array_equal(without.predict_proba(shorter), fitted.predict_proba(shorter))


def test_what_was_loaded_is_saved_and_copied_without_its_function(own, basic_motions, tmp_path):
    _, path = own
    loaded = NetworkClassifier.load(path)
    loaded.save(tmp_path / "again.keras")
    again = NetworkClassifier.load(tmp_path / "again.keras")
    X = basic_motions.X_test
    np.testing.assert_array_equal(again.predict_proba(X), loaded.predict_proba(X))
    copy = loaded.clone().fit(basic_motions.X_train, basic_motions.y_train)
    assert copy.predict(X).shape == (40,)


@pytest.mark.usefixtures("uncompiled")
def test_a_function_for_a_network_with_a_name_is_refused(basic_motions, tmp_path):
    quick_fit.fit((basic_motions.X_train, basic_motions.y_train), n_epochs=1).save(tmp_path / "it.keras")
    with pytest.raises(ValueError, match=r"this file names its network\. Received: .*named='mlstm_fcn'"):
        MLSTMFCNClassifier.load(tmp_path / "it.keras", network=plain)


@LOST
def test_a_network_that_reads_a_mask_goes_on_after_it_was_loaded(basic_motions, tmp_path):
    X, y = basic_motions.X_train, basic_motions.y_train
    mixed = [case[:, : 60 + number] for number, case in enumerate(X)]
    NetworkClassifier(network=mean_then_dense, **QUICK).fit(mixed, y).save(tmp_path / "it.keras")
    loaded = NetworkClassifier.load(tmp_path / "it.keras")
    assert loaded.partial_fit(mixed, y).partial_fit(X[:, :, :99], y).n_epochs_ == 3
    assert loaded.fit(X[:, :, :99], y).fitted_.takes_mask


# A Keras model in place of a function.


def test_a_keras_model_is_built_anew_in_each_fit(basic_motions):
    X, y = basic_motions.X_train, basic_motions.y_train
    given = sequential((100, 6), 3)
    before = given.get_weights()
    one, same = (NetworkClassifier(network=given, **QUICK).fit(X, y) for _ in range(2))
    other = NetworkClassifier(network=given, **{**QUICK, "random_state": 1}).fit(X, y)
    quick_fit.assert_same(one, same)
    assert quick_fit.differ(one, other)
    for weight, kept in zip(given.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)
    assert one.predict_proba(X).shape == (40, 4)


def test_a_benchmark_tells_keras_models_apart_by_their_layers():
    texts = [
        fingerprint(NetworkClassifier(network=mean_then_dense((20, 2), 2, units=units)))
        for units in (4, 4, 5)
    ]
    assert texts[0] == texts[1] != texts[2]


class Subclass(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda: Subclass(), "must be a functional model, or a sequential one that begins with"),
        (lambda: keras.Sequential([keras.layers.Dense(4)]), "sequential one that begins with `keras.Input`"),
        (lambda: plain((50, 6), 4), r"\(time, channels\) = \(100, 6\).*None, 50, 6"),
        (lambda: None, "must be a name, a `keras.Model`, or a function"),
    ],
    ids=["subclass", "no input", "another length", "nothing"],
)
def test_what_is_no_network_is_told_what_to_give(network, message, basic_motions):
    with pytest.raises(ValueError, match=message):
        NetworkClassifier(network=network(), **QUICK).fit(basic_motions.X_train, basic_motions.y_train)


def test_options_of_a_keras_model_are_refused(basic_motions):
    classifier = NetworkClassifier(network=plain((100, 6), 4), network_params={"units": 3}, **QUICK)
    with pytest.raises(ValueError, match=r"Options require a name or a function.*units=3"):
        classifier.fit(basic_motions.X_train, basic_motions.y_train)


# The mask.


def masked_network(dtype="bool", shape=None, inverted=False, inputs=2):
    """A function for `NetworkClassifier` that keeps the contract of masks, or breaks one clause of it."""

    def network(input_shape, n_outputs, masked=False):
        series = keras.Input(input_shape)
        mask = keras.Input(shape or input_shape[:1], dtype=dtype)
        valid = keras.ops.cast(keras.ops.reshape(mask, (-1, input_shape[0]))[..., None], "float32")
        valid = 1 - valid if inverted else valid
        sums = keras.ops.sum(series * valid, axis=1)
        outputs = keras.layers.Dense(n_outputs, "softmax")(sums)
        if not masked or inputs == 1:
            return plain(input_shape, n_outputs)
        return keras.Model([series, mask], outputs)

    return network


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"dtype": "float32"}, r"must read \[series, mask\].*dtype='bool'.*float32"),
        ({"shape": (20, 1)}, r"must read \[series, mask\].*20, 1"),
        ({"inputs": 1}, r"must read \[series, mask\]"),
        ({"inverted": True}, "True at each step that belongs to the series, .*must not follow the padding"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("uncompiled")
def test_a_network_that_breaks_the_contract_of_masks_is_refused(broken, message, rng):
    X, y = [rng.normal(size=(2, 20 - number % 3)) for number in range(8)], np.arange(8) % 2
    NetworkClassifier(network=masked_network(), **QUICK).fit(X, y)
    with pytest.raises(ValueError, match=message):
        NetworkClassifier(network=masked_network(**broken), **QUICK).fit(X, y)


def test_a_mask_that_nobody_asked_for_is_refused(basic_motions):
    def always(input_shape, n_outputs):
        return mean_then_dense(input_shape, n_outputs, masked=True)

    with pytest.raises(ValueError, match="A network without a mask must have one input, the series"):
        NetworkClassifier(network=always, **QUICK).fit(basic_motions.X_train, basic_motions.y_train)


# Forks.

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


# Messages.


@pytest.fixture(scope="module")
def fitted(basic_motions):
    return quick_fit.fit((basic_motions.X_train, basic_motions.y_train), n_epochs=1)


def ragged(X):
    return [case[:, : 60 + number] for number, case in enumerate(X)]


def in_array(cases):
    """An array of objects that are arrays, as `np.array(cases, dtype=object)` is if lengths differ."""
    array = np.empty(len(cases), dtype=object)
    array[:] = cases
    return array


CONTAINER = r"X must be an array \(cases, channels, time\), a list of \(channels, time\), or a panel"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X, y: (X, "a"), "a target for each case, such as a list; not a name. Received: y='a'"),
        (lambda X, y: (X, None), "a target for each case, such as a list; not a name. Received: y=None"),
        (lambda X, y: (None, y), CONTAINER),
        (lambda X, y: ("a", y), CONTAINER),
        (lambda X, y: (3.0, y), CONTAINER),
        (lambda X, y: (["a"] * 40, y), CONTAINER),
        (
            lambda X, y: (X.astype(str), y),
            r"becomes them by `X.astype\(float\)`. Received: dtype='<U",
        ),
        (lambda X, y: (np.where(X > 5, "a", X.astype(object)), y), "must hold numbers alone"),
        (lambda X, y: ([[[1.0, 2.0], [3.0]]] * 40, y), "numbers alone, as many for each channel"),
        (lambda X, y: ([case.T for case in ragged(X)], y), r"give \[x.T for x in X\]"),
        (lambda X, y: (X[0], y[:1]), r"equally many cases. If X is one series .*, give \[X\]"),
    ],
    ids=range(11),
)
def test_what_cannot_be_fitted_is_told_with_the_repair(spoil, message, basic_motions):
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=message):
            getattr(quick_fit.small(), method)(*spoil(basic_motions.X_train, basic_motions.y_train))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X: X[0], r"X must have 6 channels, as in fit. If X is one series .*, give \[X\]"),
        (lambda X: np.swapaxes(X, 1, 2), r"give np.swapaxes\(X, 1, 2\)"),
        (lambda X: "a", CONTAINER),
        (lambda X: None, CONTAINER),
        (lambda X: [case.T for case in ragged(X)], r"give \[x.T for x in X\]"),
    ],
    ids=range(5),
)
def test_what_cannot_be_predicted_is_told_with_the_repair(spoil, message, fitted, basic_motions):
    for one in (fitted, fitted.fitted_):
        with pytest.raises(ValueError, match=message):
            one.predict(spoil(basic_motions.X_test))


@pytest.mark.parametrize(
    "other",
    [in_array, lambda cases: [case.tolist() for case in cases], tuple],
    ids=["array of arrays", "lists", "tuple"],
)
def test_containers_that_mean_the_same_are_read_as_a_list_of_arrays(other, fitted, basic_motions):
    cases = ragged(basic_motions.X_test[:4])
    expected = fitted.predict_proba(cases)
    np.testing.assert_array_equal(fitted.predict_proba(other(cases)), expected)
    np.testing.assert_array_equal(fitted.fitted_.predict_proba(other(cases)), expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lerning_rate", "Did you mean 'learning_rate'?"),
        ("recpie__optimizer", "Did you mean 'recipe__optimizer'"),
        ("label_smothing", "Did you mean 'recipe__label_smoothing'"),
        ("engine__precison", "Engine has no option 'precison'. Did you mean 'precision'?"),
        ("zzz", "MLSTMFCNClassifier has no parameter 'zzz'. It has attention, batch_size, "),
    ],
)
def test_every_typo_in_set_params_gets_an_answer(name, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        MLSTMFCNClassifier().set_params(**{name: 1})


def test_an_unknown_file_is_told_every_format(tmp_path):
    with pytest.raises(ValueError, match=r"one of .ts, .arff, .tsv, .txt, .csv, .npz, .npy"):
        datasets.read(tmp_path / "it.xyz")


# Exported models.


def test_onnx_names_its_outputs_and_holds_the_labels(onnx, classifier, motions):
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(onnx))
    series = np.swapaxes(motions.X_test, 1, 2).astype("float32")
    (source,) = session.get_inputs()
    (probabilities,) = session.run(["probabilities"], {source.name: series})
    np.testing.assert_allclose(probabilities, classifier.predict_proba(motions.X_test), atol=1e-5)
    labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
    assert labels == classifier.classes_.tolist() == export.load(onnx).labels


def test_onnx_names_the_output_of_a_regressor(tmp_path):
    """Whatever converted it, and of a graph in which another operation reads the output too."""
    onnx = pytest.importorskip("onnx")
    info = [onnx.helper.make_tensor_value_info(name, 1, [1]) for name in ("series", "out")]
    nodes = [
        onnx.helper.make_node("Neg", ["series"], ["out"]),
        onnx.helper.make_node("Abs", ["out"], ["spare"]),
    ]
    graph = onnx.helper.make_graph(nodes, "it", info[:1], info[1:])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "it.onnx")
    FORMATS["onnx"].label(tmp_path / "it.onnx", None)
    named = onnx.load(tmp_path / "it.onnx")
    assert [one.name for one in named.graph.output] == ["predictions"]
    assert [[*node.input, *node.output] for node in named.graph.node] == [
        ["series", "predictions"],
        ["predictions", "spare"],
    ]
    assert not named.metadata_props


def test_an_exported_model_reads_a_list_of_series(onnx, motions):
    pytest.importorskip("onnxruntime")
    X = motions.X_test[:3]
    artifact = export.load(onnx)
    np.testing.assert_array_equal(artifact.outputs(list(X)), artifact.outputs(X))
    with pytest.raises(ValueError, match="Every series must have the full length: this model has no mask"):
        artifact.outputs(ragged(X))
    with pytest.raises(ValueError, match="numbers alone, as many for each channel"):
        artifact.outputs([[[1.0, 2.0], [3.0]]])
    with pytest.raises(ValueError, match=CONTAINER):
        artifact.outputs("a")


def test_rows_of_frames_in_a_list_are_steps_whatever_their_index_counts(fitted, basic_motions):
    """Rows of a sorted table keep the numbers that they had there, which sktime refuses without a reason."""
    X = basic_motions.X_test[:2]
    names = [f"channel_{number}" for number in range(6)]
    for index in (np.arange(100) / 10, pd.date_range("2026-01-01", periods=100, freq="s"), range(7, 107)):
        frames = [pd.DataFrame(case.T, index=index, columns=names) for case in X]
        np.testing.assert_array_equal(fitted.predict_proba(frames), fitted.predict_proba(X))
        assert frames[0].index[0] == index[0], "the frames of the user stay as they are"
    shuffled = [frames[0], frames[1].iloc[::-1]]
    with pytest.raises(ValueError, match=r"must increase: sort by it, or give `frame.reset_index.*case=1"):
        fitted.predict(shuffled)


@pytest.mark.usefixtures("uncompiled")
def test_the_page_on_production_loads_and_warms_up(fitted, basic_motions, tmp_path):
    page = (Path(__file__).parent.parent / "docs" / "production.md").read_text(encoding="utf-8")
    process, warm_up, drift, *_ = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    names = {"__name__": "served"}
    exec(process, names)
    exec(warm_up.replace("calls=25", "calls=2"), names)
    fitted.save(tmp_path / "motions.keras")
    names["load"](tmp_path / "motions.keras")
    X = basic_motions.X_test
    np.testing.assert_array_equal(names["predict"](X), fitted.predict_proba(X))

    exec(drift, names | {"X_train": basic_motions.X_train}, names)
    warmer = X + 20.0 * np.array([0, 0, 1, 0, 0, 0])[:, None]
    assert (names["drifted"](X).tolist(), names["drifted"](warmer).tolist()) == ([], [2])


# Lines of the start.

START = """
import os
os.write(2, b"before" + os.linesep.encode())
from mlstm_fcn.engine.quiet import quiet
{build}
assert {level!r} == os.environ.get("TF_CPP_MIN_LOG_LEVEL"), os.environ.get("TF_CPP_MIN_LOG_LEVEL")
with quiet():
    os.write(2, b"E0000 00:00:1.1 1 a.cc:1] an error" + os.linesep.encode())
    os.write(2, b"I0000 00:00:1.1 1 a.cc:1] information" + os.linesep.encode())
os.write(2, b"after" + os.linesep.encode())
with quiet():
    os.write(2, b"F0000 00:00:1.1 1 a.cc:1] the last word" + os.linesep.encode())
    os.abort()
"""


# Errors of an older TensorFlow that finds no GPU.
OWN_ERROR = re.compile(r"(?!.* a\.cc:1\] )(E\d{4} |.*: E )")


@pytest.mark.parametrize("level", [None, "0"])
def test_the_start_of_keras_writes_nothing_but_errors_unless_the_user_has_chosen(level):
    """Errors pass, also the last one before a crash."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": level} if level else {}
    build = "from mlstm_fcn import models; models.build('fcn', (20, 2), 2, filters=(2,), kernel_sizes=(3,))"
    done = subprocess.run(
        [sys.executable, "-c", START.format(level=level, build="" if level else build)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = [line.rpartition("] ")[2] for line in done.stderr.splitlines() if not OWN_ERROR.match(line)]
    assert done.returncode < 0
    if level is None:
        assert lines == ["before", "an error", "after", "the last word"]
    else:
        assert lines == ["before", "an error", "information", "after", "the last word"]
