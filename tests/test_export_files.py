"""The manifest of an exported model, and the files and paths that `export` refuses."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import keras
import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, NetworkClassifier, datasets, export
from mlstm_fcn._optional import optional
from mlstm_fcn.export import FORMATS, formats, manifest, writing
from tests.exported import SMALL

pytestmark = pytest.mark.usefixtures("onnx_in_one_attempt")


def test_the_manifest_has_labels_shapes_data_metrics_and_checksums(onnx):
    about = json.loads(manifest.path_of(onnx).read_text())
    assert about["labels"] == ["Badminton", "Running", "Standing", "Walking"]
    assert (about["channels"], about["length"], about["kind"]) == (6, 100, "onnx")
    assert (about["data"], about["metrics"]) == ("BasicMotions", {"a": 0.5})
    assert about["check"]["largest_difference"] <= 1e-5
    assert about["files"] == {"model.onnx": manifest.sha256(onnx)}
    assert set(about["versions"]) == {"python", "mlstm-fcn", "keras", "tensorflow", "numpy"}


def in_keras(suffix, factor=1.0, **options):
    """A fake format that Keras runs; its outputs are multiplied by a factor."""
    models = []

    def write(model, path, examples):
        models.append(model)
        if not suffix:
            path.mkdir()
            path = path / "graph"
        path.write_text("it")

    def run(series):
        return factor * np.asarray(models[-1](series, training=False))

    return formats.Format(suffix, write, lambda path: run, **options)


def test_an_artifact_that_differs_too_much_is_not_kept(classifier, tmp_path, monkeypatch):
    monkeypatch.setitem(FORMATS, "wrong", in_keras(".onnx", factor=1.001))
    with pytest.raises(ValueError, match="agree with Keras within 1e-05; the artifact was deleted"):
        classifier.export(tmp_path / "model.onnx", "wrong")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("format", "inside", "outside"),
    [("onnx", 9e-6, 2e-5), ("savedmodel", 9e-6, 2e-5), ("litert-float16", 9e-3, 2e-2)],
)
def test_outputs_may_differ_by_what_the_documentation_says(format, inside, outside):
    expected = np.tile([0.25, 0.75], (40, 1))
    found = writing._compare(FORMATS[format], expected + inside, expected)
    assert found == {"largest_difference": pytest.approx(inside)}
    with pytest.raises(ValueError, match="The outputs must agree with Keras within"):
        writing._compare(FORMATS[format], expected + outside, expected)
    large = 1000 * expected  # of a regressor: relative to the largest
    assert writing._compare(FORMATS[format], large * (1 + inside), large)["largest_difference"] < outside
    with pytest.raises(ValueError, match="The outputs must agree with Keras within"):
        writing._compare(FORMATS[format], large * (1 + outside), large)


@pytest.mark.parametrize("format", ["onnx-int8", "litert-int8"])
@pytest.mark.parametrize(("n_series", "allowed"), [(40, 2), (60, 3), (10, 1)])
def test_quantised_classes_may_differ_in_five_percent_of_the_series_or_one(format, n_series, allowed):
    expected = np.tile([0.4, 0.6], (n_series, 1))
    changed = expected.copy()
    changed[:allowed] = [0.6, 0.4]
    assert writing._compare(FORMATS[format], changed, expected)["changed_classes"] == allowed
    changed[allowed] = [0.6, 0.4]
    with pytest.raises(ValueError, match=r"At most 5% of predicted classes, or one"):
        writing._compare(FORMATS[format], changed, expected)


def test_a_runtime_that_aborts_its_process_is_an_error(classifier, motions, tmp_path, monkeypatch):
    wrong = replace(in_keras(".tflite"), check_script="import os; os.abort()", needs_series=True)
    monkeypatch.setitem(FORMATS, "litert-int8", wrong)
    with pytest.raises(ValueError, match="fails in its runtime: exit -6"):
        classifier.export(tmp_path / "model.tflite", "litert-int8", X=motions.X_test)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_conversion_leaves_no_file(classifier, tmp_path, monkeypatch):
    def write(model, path, examples):
        path.write_text("half")
        raise RuntimeError("the disk is full")

    monkeypatch.setitem(FORMATS, "wrong", formats.Format(".onnx", write, FORMATS["onnx"].open))
    with pytest.raises(ValueError, match="failed to convert or to run: the disk is full"):
        classifier.export(tmp_path / "model.onnx", "wrong")
    assert list(tmp_path.iterdir()) == []


def test_a_failing_export_leaves_what_was_there(onnx, classifier, tmp_path, monkeypatch):
    for file in onnx.parent.iterdir():
        shutil.copy(file, tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    wrong = formats.Format(".onnx", lambda model, path, examples: None, FORMATS["onnx"].open)
    monkeypatch.setitem(FORMATS, "wrong", wrong)
    with pytest.raises(ValueError, match="failed to convert or to run"):
        classifier.export(tmp_path / "model.onnx", "wrong")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_no_folder_of_the_user_is_replaced(classifier, tmp_path, monkeypatch):
    monkeypatch.setitem(FORMATS, "savedmodel", in_keras(""))
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="was not written by `export`; choose another"):
        classifier.export(tmp_path / "exports", "savedmodel")
    assert (tmp_path / "exports" / "thesis.txt").read_text() == "mine"
    for _ in range(2):  # an earlier export is replaced
        assert manifest.read(classifier.export(tmp_path / "saved", "savedmodel"))["kind"] == "savedmodel"


def test_no_file_of_the_user_is_replaced(classifier, tmp_path):
    """Also not one at the place of the manifest or of a companion file."""
    (tmp_path / "exports").mkdir()
    names = [
        "exports/thesis.txt",
        "exports.json",
        "model.bin",
        "mine.onnx",
        "mine.tflite",
        "other.xml",
        "plain",
    ]
    files = [tmp_path / name for name in names]
    for file in files:
        file.write_text("{}")
    for name in ("exports", "model.xml", *names[3:]):
        with pytest.raises(ValueError, match="was not written by `export`; choose another"):
            classifier.export(tmp_path / name)
    shutil.copytree(tmp_path / "exports", tmp_path / "copy")
    (tmp_path / "link").symlink_to(tmp_path / "copy")
    with pytest.raises(ValueError, match="was not written by `export`; choose another"):
        classifier.export(tmp_path / "link")
    assert [file.read_text() for file in files] == ["{}"] * len(files)


def test_a_manifest_of_another_artifact_is_refused(onnx, tmp_path):
    shutil.copy(onnx, tmp_path / "other.onnx")
    shutil.copy(onnx, tmp_path)
    shutil.copy(manifest.path_of(onnx), tmp_path / "other.onnx.json")
    with pytest.raises(ValueError, match=r"must list exactly the files of other\.onnx"):
        export.load(tmp_path / "other.onnx")


def test_a_quantised_regressor_is_compared_too(tmp_path, monkeypatch):
    data = datasets.load("Covid3Month")
    learnt = {**SMALL, "n_epochs": 40, "learning_rate": 0.01}  # so that its predictions differ
    regressor = MLSTMFCNRegressor(**learnt).fit(data.X_train, data.y_train)
    regressor.export(tmp_path / "model.onnx", "onnx-int8", X=data.X_test)

    def write(model, path, examples):
        model.set_weights([weight * 5 for weight in model.get_weights()])
        return FORMATS["onnx"].write(model, path, examples)

    wrong = formats.Format(".onnx", write, FORMATS["onnx"].open, bound=None)
    monkeypatch.setitem(FORMATS, "wrong", wrong)
    with pytest.raises(ValueError, match="standard deviations"):
        regressor.export(tmp_path / "model.onnx", "wrong", X=data.X_test)


@pytest.mark.parametrize("format", ["onnx", "litert", "openvino"])
def test_artifacts_are_thread_safe(classifier, motions, exported, format):
    artifact = export.load(exported(format))
    expected = classifier.predict_proba(motions.X_test)
    with ThreadPoolExecutor(8) as pool:
        received = list(pool.map(lambda case: artifact.outputs(motions.X_test[case : case + 1]), range(40)))
    np.testing.assert_allclose(np.concatenate(received), expected, atol=1e-5)


def test_a_fixed_length_cuts_and_pads_what_is_compared(motions, tmp_path):
    classifier = NetworkClassifier(network="fcn", network_params={"filters": (8, 8, 8)}, n_epochs=1)
    classifier.fit(motions.X_train, motions.y_train)
    path = classifier.export(tmp_path / "model.onnx", X=motions.X_test, length=60)
    assert export.load(path).about["length"] == 60
    with pytest.raises(ValueError, match="`length` must be a positive integer"):
        classifier.export(tmp_path / "model.onnx", length=0)


def test_mixed_precision_is_exported_as_float32(motions, tmp_path):
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        quick = {**SMALL, "n_epochs": 1}
        classifier = MLSTMFCNClassifier(**quick).fit(motions.X_train, motions.y_train)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    artifact = export.load(classifier.export(tmp_path / "model.onnx", X=motions.X_test))
    np.testing.assert_allclose(
        artifact.outputs(motions.X_test), classifier.predict_proba(motions.X_test), atol=5e-2
    )


def test_what_refuses_missing_values_refuses_them_in_the_artifact(motions, tmp_path):
    classifier = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1}, missing="error")
    artifact = export.load(classifier.fit(motions.X_train, motions.y_train).export(tmp_path / "model.onnx"))
    X = motions.X_test.copy()
    X[0, 0, 5] = np.nan
    with pytest.raises(ValueError, match="missing"):
        artifact.outputs(X)


def test_keras_is_a_format_too(classifier, motions, tmp_path):
    path = classifier.export(tmp_path / "model.keras")
    again = MLSTMFCNClassifier.load(path)
    np.testing.assert_array_equal(
        again.predict_proba(motions.X_test), classifier.predict_proba(motions.X_test)
    )


def test_every_suffix_has_one_default_format():
    assert {suffix: formats.format_of_suffix(suffix) for suffix in {f.suffix for f in FORMATS.values()}} == {
        "": "savedmodel",
        ".onnx": "onnx",
        ".tflite": "litert",
        ".xml": "openvino",
    }
    assert sum(form.default for form in FORMATS.values()) == 4
    with pytest.raises(ValueError, match=r"`suffix` must be one of .*Did you mean '\.onnx'"):
        formats.format_of_suffix(".onx")


def test_a_format_lists_the_files_of_its_artifacts(tmp_path):
    path = tmp_path / "model.xml"
    assert FORMATS["openvino"].files(path) == [path, tmp_path / "model.bin"]
    assert FORMATS["onnx"].files(tmp_path / "model.onnx") == [tmp_path / "model.onnx"]
    (tmp_path / "saved" / "variables").mkdir(parents=True)
    (tmp_path / "saved" / "variables" / "data").write_text("weights")
    assert FORMATS["savedmodel"].files(tmp_path / "saved") == [tmp_path / "saved" / "variables" / "data"]


def test_a_missing_companion_file_is_a_missing_file(exported, tmp_path):
    path = exported("openvino")
    for file in (path, manifest.path_of(path)):
        shutil.copy(file, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"model\.bin"):
        export.load(tmp_path / path.name)


@pytest.mark.parametrize(
    ("name", "format", "message"),
    [
        ("model.pb", None, "`suffix` must be one of"),
        ("model.onnx", "litert", "must have the suffix .tflite"),
        ("model.onnx", "onxx", "Did you mean 'onnx'"),
        ("model.tflite", "litert-int8", r"pass X\. Received: series=0"),
        ("model.h5", "keras", r"\.keras or \.mlstm"),
    ],
)
def test_wrong_names_and_formats_are_refused(classifier, tmp_path, name, format, message):
    with pytest.raises(ValueError, match=message):
        classifier.export(tmp_path / name, format)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        classifier.export(tmp_path / "nowhere" / "model.onnx")


def test_a_missing_package_is_named_with_its_extra(classifier, tmp_path, monkeypatch):
    with pytest.raises(ImportError, match=r"pip install 'mlstm-fcn\[onnx\]'"):
        optional("no_such_package.part", "onnx")
    monkeypatch.setitem(FORMATS, "onnx", replace(FORMATS["onnx"], write=None, modules=("no_such_runtime",)))
    with pytest.raises(
        ImportError, match=r"no_such_runtime is not installed.*\[onnx\]"
    ):  # before the conversion
        classifier.export(tmp_path / "model.onnx")


def test_invalid_manifest_entries_are_refused_before_the_conversion(classifier, tmp_path, monkeypatch):
    monkeypatch.setitem(FORMATS, "onnx", replace(FORMATS["onnx"], write=None))
    with pytest.raises(ValueError, match=r"`metrics` must be finite numbers\. Received: a=nan"):
        classifier.export(tmp_path / "model.onnx", metrics={"a": np.float32(np.nan)})
    with pytest.raises(ValueError, match=r"must equal the number of outputs\. Received: labels=1, outputs=4"):
        export.export(classifier.model_, tmp_path / "model.onnx", "onnx", about={"labels": ["a"]})
    with pytest.raises(ValueError, match=r"Received: length=60"):
        classifier.export(tmp_path / "model.keras", length=60)


def test_int8_formats_need_calibration_series_and_others_to_compare(classifier, motions, tmp_path):
    with pytest.raises(ValueError, match=r"needs at least 10 series.*Received: series=9"):
        classifier.export(tmp_path / "model.onnx", "onnx-int8", X=motions.X_test[:9])
    path = classifier.export(tmp_path / "model.onnx", "onnx-int8", X=motions.X_test)
    assert export.load(path).about["check"]["n_series"] == 20


def test_no_series_that_calibrates_is_compared():
    series = np.arange(11.0)
    calibrating, compared = writing._halves("onnx-int8", series)
    assert sorted([*calibrating, *compared]) == series.tolist()
    assert abs(len(calibrating) - len(compared)) <= 1


def test_series_in_a_large_file_are_compared_too(classifier, motions, tmp_path, monkeypatch):
    np.save(tmp_path / "X.npy", motions.X_test)
    monkeypatch.setattr("mlstm_fcn.memmap.LARGE", 0)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    path = classifier.export(tmp_path / "model.onnx", X=X, metrics={"accuracy": np.float32(0.5)})
    about = export.load(path).about
    assert (about["check"]["n_series"], about["metrics"]) == (40, {"accuracy": 0.5})


def test_series_are_taken_from_all_of_those_given(classifier, motions, tmp_path, monkeypatch):
    """Archives are sorted by class."""
    taken = []
    spy = replace(FORMATS["onnx"], write=lambda model, path, examples: taken.append(examples) or 1 / 0)
    monkeypatch.setitem(FORMATS, "onnx", spy)
    X = np.repeat(np.arange(1000.0), 600).reshape(1000, 6, 100)
    for given in (X, None):
        with pytest.raises(ValueError, match="division by zero"):
            classifier.export(tmp_path / "model.onnx", X=given)
    assert len(taken[0]) == 256
    assert (taken[0].min(), taken[0].max()) == (0, 999)
    assert np.isnan(taken[1]).any()  # random series have missing values, as the data may have
