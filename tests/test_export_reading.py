"""Artifacts that are not what was exported are refused, and so are series that do not fit them."""

import json
import shutil

import numpy as np
import pytest

from mlstm_fcn import export
from mlstm_fcn._files import crc
from mlstm_fcn.export import manifest
from tests import hostile


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def swap(path):
    path.write_bytes(path.read_bytes().replace(b"output", b"tuptuo"))


def edit_labels(path):
    note = manifest.path_of(path)
    note.write_text(note.read_text().replace("Running", "Walking"))


def point_outside(path):
    note = manifest.path_of(path)
    about = json.loads(note.read_text())
    about["files"] = {"../secret": "0" * 64}
    about["crc"] = crc(about)
    note.write_text(json.dumps(about))


def unknown_kind(path):
    note = manifest.path_of(path)
    about = {**json.loads(note.read_text()), "kind": "onxx"}
    note.write_text(json.dumps({**about, "crc": crc(about)}))


def newer(path):
    note = manifest.path_of(path)
    note.write_text(json.dumps({**json.loads(note.read_text()), "format": 99}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "model.onnx was changed after the export"),
        (swap, "model.onnx was changed after the export"),
        (edit_labels, "model.onnx.json was changed after the export"),
        (point_outside, "must list exactly the files of model.onnx"),
        (unknown_kind, "Did you mean 'onnx'"),
        (newer, "must have manifest format 1"),
        (lambda path: manifest.path_of(path).write_text("{"), "is damaged"),
        (lambda path: manifest.path_of(path).write_text("[]"), "must be a manifest with the entries"),
    ],
)
def test_artifacts_that_are_not_what_was_exported_are_refused(onnx, tmp_path, damage, message):
    for file in onnx.parent.iterdir():
        shutil.copy(file, tmp_path)
    damage(tmp_path / onnx.name)
    with pytest.raises(ValueError, match=message):
        export.load(tmp_path / onnx.name)


def test_a_missing_manifest_is_a_missing_file(onnx, tmp_path):
    shutil.copy(onnx, tmp_path)
    with pytest.raises(FileNotFoundError):
        export.load(tmp_path / onnx.name)


def test_masked_values_are_missing_ones(onnx):
    X = np.random.default_rng(0).normal(size=(2, 6, 100))
    hidden = np.arange(100) % 7 == 3
    masked = np.ma.masked_array(np.where(hidden, 1e6, X), mask=np.broadcast_to(hidden, X.shape))
    artifact = export.load(onnx)
    np.testing.assert_array_equal(artifact.outputs(masked), artifact.outputs(np.where(hidden, np.nan, X)))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((1, 5, 100)), r"X must have shape \(cases, 6, 100\)"),
        (np.zeros((1, 6, 101)), r"X must have shape \(cases, 6, 100\)"),
        (np.zeros((6, 100)), r"X must have shape \(cases, 6, 100\)"),
        (np.full((1, 6, 100), np.inf), "must be finite"),
        (np.full((1, 6, 100), np.nan), "at least one value"),
        (np.zeros((1, 6, 100), "M8[s]"), "must hold real numbers"),
    ],
)
def test_wrong_series_are_refused(onnx, X, message):
    with pytest.raises(ValueError, match=message):
        export.load(onnx).outputs(X)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ["a", "b", "c"]},
        {"labels": [["a"], "b"]},
        {"labels": []},
        {"channels": True},
        {"channels": 10**9, "length": 10**9},
        {"length": 0},
        {"length": 21},
        {"files": None},
        {"files": []},
        {"kind": "x" * 100_000},
        {"kind": None},
        {"any_length": "yes"},
        {"missing": 3},
        {"format": None},
    ],
    ids=str,
)
def test_manifests_that_lie_are_refused_when_the_model_is_loaded(change, tmp_path):
    path = hostile.onnx_file(tmp_path / "it.onnx")
    assert export.load(path).outputs(np.ones((1, 2, 20))).tolist() == [[1.0, 1.0]]
    about = {**json.loads(manifest.path_of(path).read_text()), **change}
    manifest.path_of(path).write_text(json.dumps({**about, "crc": crc(about)}))
    with pytest.raises(ValueError, match=r"it\.onnx|kind"):
        export.load(path)


def test_errors_of_a_runtime_are_value_errors(tmp_path):
    class OwnError(Exception):
        pass

    def run(series):
        raise OwnError("of the runtime")

    artifact = export.Artifact({"labels": None, "channels": 1, "length": 3}, run)
    with pytest.raises(ValueError, match="fails in its runtime: of the runtime"):
        artifact.outputs(np.ones((1, 1, 3)))
