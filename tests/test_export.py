"""One trained model in every format agrees with Keras; the exported graph."""

import json

import keras
import numpy as np
import pytest
from onnx import load as load_onnx

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, NetworkClassifier, datasets, export, models
from mlstm_fcn.export import FORMATS
from mlstm_fcn.export.formats import RECURRENT
from mlstm_fcn.export.graph import export_graph
from mlstm_fcn.fitting import fitted as fitted_networks
from tests.exported import SMALL, name_in
from tests.small_networks import small_options

LATER = ("savedmodel", "litert", "openvino")
FLOATS = [name for name, form in FORMATS.items() if form.bound == 1e-5]

pytestmark = pytest.mark.usefixtures("onnx_in_one_attempt")


def layers(model):
    for layer in model.layers:
        yield from layers(layer) if isinstance(layer, keras.Model) else [layer]


@pytest.fixture(scope="module")
def vowels():
    problem = datasets.load("JapaneseVowels")
    classifier = MLSTMFCNClassifier(**SMALL, on_longer="cut").fit(problem.X_train[::3], problem.y_train[::3])
    return classifier, problem.X_test[:50]


# Equal to Keras.


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_predicts_as_keras_does_for_any_number_of_series(classifier, motions, exported, format):
    artifact = export.load(exported(format))
    expected = classifier.predict_proba(motions.X_test)
    bound, whole = {"litert-float16": 1e-2}.get(format, 1e-5), expected
    if format.endswith("int8"):
        whole = artifact.outputs(motions.X_test)
        assert np.mean(whole.argmax(1) == expected.argmax(1)) >= 0.95
    # A SavedModel starts a subprocess at each call; `export` has compared all 40 series.
    for n in (7,) if format == "savedmodel" else (40, 1, 7):
        received = artifact.outputs(motions.X_test[:n])
        np.testing.assert_allclose(received, whole[:n], atol=bound)
        np.testing.assert_allclose(received.sum(axis=1), 1, atol=1e-2)


@pytest.mark.parametrize("format", [pytest.param("savedmodel", marks=pytest.mark.slow), *FLOATS[1:]])
def test_shorter_series_and_missing_values_are_read_inside_the_artifact(vowels, tmp_path, format):
    classifier, X = vowels
    artifact = export.load(classifier.export(name_in(tmp_path, format), format, X=X))
    length = artifact.about["length"]
    batch = np.full((len(X), 12, length), np.nan)
    for row, series in zip(batch, X, strict=True):
        row[:, : min(length, series.shape[1])] = series[:, :length]
    batch[::3, 2, 1] = np.nan
    np.testing.assert_allclose(artifact.outputs(batch), classifier.predict_proba(batch), atol=1e-5)


@pytest.mark.parametrize("format", ["onnx", *(pytest.param(f, marks=pytest.mark.slow) for f in LATER)])
def test_an_ensemble_is_one_artifact(motions, tmp_path, format):
    voting = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 2}, n_members=2).fit(motions.X_train, motions.y_train)
    artifact = export.load(voting.export(name_in(tmp_path, format), format, X=motions.X_test))
    received = artifact.outputs(motions.X_test)
    np.testing.assert_allclose(received, voting.predict_proba(motions.X_test), atol=1e-5)
    assert artifact.about["network"] == "mlstm_fcn_ensemble"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["malstm_fcn", "efficientnet"])
def test_networks_of_the_table(motions, tmp_path, name):
    check_network(motions, tmp_path, name, ("onnx", "litert"))


@pytest.mark.slow
def test_grouped_convolutions_stay_grouped_in_the_artifact(motions, tmp_path):
    """One operation per convolution: LiteRT would rebuild zero-padded kernels in every call."""
    check_network(motions, tmp_path, "resnext", ("onnx", "litert-int8"))
    nodes = load_onnx(tmp_path / "model.onnx").graph.node
    groups = {a.i for node in nodes if node.op_type == "Conv" for a in node.attribute if a.name == "group"}
    assert groups == {1, 4}


@pytest.mark.slow
@pytest.mark.parametrize("name", models.names())
def test_all_networks_in_all_formats(motions, tmp_path, name):
    check_network(motions, tmp_path, name, FLOATS)


def check_network(motions, folder, name, chosen):
    options = {"network_params": small_options(name), "n_epochs": 3, "random_state": 0}
    classifier = NetworkClassifier(network=name, **options)
    classifier.fit(motions.X_train, motions.y_train)
    expected = classifier.predict_proba(motions.X_test)
    for format in chosen:
        path = classifier.export(name_in(folder, format), format, X=motions.X_test)
        bound = FORMATS[format].bound  # None: export itself compared the classes
        if bound is not None:
            np.testing.assert_allclose(export.load(path).outputs(motions.X_test), expected, atol=bound)


def test_a_network_of_any_length_takes_any_length_where_the_format_does(motions, tmp_path):
    options = {
        "filters": (8, 8, 8),
        "dilation_scales": 2,
        "first_differences": True,
    }  # dilated, as the default recipe has it
    classifier = NetworkClassifier(network="fcn", network_params=options, n_epochs=1)
    classifier.fit(motions.X_train, motions.y_train)
    artifact = export.load(classifier.export(tmp_path / "model.onnx"))
    assert artifact.about["length"] is None
    for steps in (30, 100, 150):
        X = np.random.default_rng(0).normal(size=(2, 6, steps))
        np.testing.assert_allclose(artifact.outputs(X), classifier.predict_proba(X), atol=1e-5)


def test_any_length_reads_shorter_series_than_those_of_the_training(classifier, motions, tmp_path):
    short = motions.X_test[:, :, :60]
    path = classifier.export(tmp_path / "model.onnx", X=short, any_length=True)
    np.testing.assert_allclose(export.load(path).outputs(short), classifier.predict_proba(short), atol=1e-5)
    with pytest.raises(ValueError, match="any_length=True"):
        classifier.export(tmp_path / "model.onnx", X=short)


def test_series_of_two_steps_are_compared_too(rng, tmp_path):
    """Each random series, with missing values and of any length, has a value."""
    short = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1}).fit(rng.normal(size=(8, 1, 2)), list("abababab"))
    path = short.export(tmp_path / "model.onnx", any_length=True)
    one = np.array([[[0.5]]])
    np.testing.assert_allclose(export.load(path).outputs(one), short.predict_proba(one), atol=1e-5)


def test_large_complete_data_do_not_need_any_length(classifier, motions, tmp_path, monkeypatch):
    """The estimator predicts large complete data with a model without imputation."""
    monkeypatch.setattr(fitted_networks, "_LARGE", 1)
    path = classifier.export(tmp_path / "model.onnx", X=motions.X_test)
    np.testing.assert_allclose(
        export.load(path).outputs(motions.X_test), classifier.predict_proba(motions.X_test), atol=1e-5
    )


def test_without_any_length_shorter_series_are_refused(onnx, motions):
    with pytest.raises(ValueError, match="must have the full length"):
        export.load(onnx).outputs(motions.X_test[:, :, :60])


def test_a_regressor_gives_numbers_in_the_units_of_its_targets(tmp_path):
    data = datasets.load("Covid3Month")
    regressor = MLSTMFCNRegressor(**SMALL).fit(data.X_train, data.y_train)
    artifact = export.load(regressor.export(tmp_path / "model.onnx", X=data.X_test))
    assert artifact.labels is None
    np.testing.assert_allclose(artifact.outputs(data.X_test)[:, 0], regressor.predict(data.X_test), rtol=1e-4)


# The copy.


def test_the_copy_computes_in_float32_and_without_cudnn(motions):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        classifier = MLSTMFCNClassifier(**SMALL).fit(motions.X_train, motions.y_train)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    copy = export_graph(classifier.model_)
    lstm = next(layer for layer in layers(copy) if layer.name == "lstm")
    assert lstm.use_cudnn is False
    assert {layer.compute_dtype for layer in layers(copy)} == {"float32"}
    series = np.swapaxes(motions.X_test, 1, 2).astype("float32")
    np.testing.assert_allclose(copy(series), classifier.model_(series), atol=5e-2)
    assert "mixed_float16" in {layer.dtype_policy.name for layer in layers(classifier.model_)}


@pytest.mark.parametrize("attention", [False, True])
def test_steps_are_unrolled_where_the_format_has_no_loop(attention):
    X = np.random.default_rng(0).normal(size=(8, 20, 25))
    classifier = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1}, attention=attention).fit(X, [0, 1] * 4)
    series = np.swapaxes(X, 1, 2).astype("float32")
    for unrolled in ((), RECURRENT):
        copy = export_graph(classifier.model_, unrolled=unrolled)
        recurrent = next(layer for layer in layers(copy) if "lstm" in layer.name)
        assert recurrent.unroll == bool(unrolled)
        np.testing.assert_allclose(copy(series), classifier.model_(series), atol=1e-6)


def test_wrapped_recurrent_layers_are_unrolled_too(rng):
    series = keras.Input((10, 3))
    model = keras.Model(series, keras.layers.Bidirectional(keras.layers.LSTM(2))(series))
    copy, X = export_graph(model, unrolled=RECURRENT), rng.normal(size=(4, 10, 3))
    assert copy.layers[1].forward_layer.unroll
    assert copy.layers[1].backward_layer.unroll
    np.testing.assert_allclose(copy(X), model(X), atol=1e-6)


def test_an_lstm_is_one_operation_in_onnx(onnx):
    operations = [node.op_type for node in load_onnx(onnx).graph.node]
    assert operations.count("LSTM") == 1
    assert "Loop" not in operations


def test_a_format_without_loops_needs_a_length_for_an_lstm_over_time(motions, tmp_path):
    classifier = MLSTMFCNClassifier(**SMALL, dimension_shuffle=False)
    classifier.fit(motions.X_train[:, :, ::4], motions.y_train)
    with pytest.raises(ValueError, match="unrolls recurrent layers; pass a fixed `length`"):
        classifier.export(tmp_path / "model.tflite")
    assert list(tmp_path.iterdir()) == []
    path = classifier.export(tmp_path / "model.tflite", length=25)
    X = motions.X_test[:, :, ::4]
    np.testing.assert_allclose(export.load(path).outputs(X), classifier.predict_proba(X), atol=1e-5)


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
