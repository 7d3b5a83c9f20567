"""Files of Keras that are not what was saved; the commands that export and describe them; model cards."""

import json
import subprocess
import sys
import zipfile

import pytest
from click.testing import CliRunner

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, Recipe, datasets, export
from mlstm_fcn._files import crc
from mlstm_fcn.cli import main
from tests.exported import SMALL


@pytest.fixture(scope="module")
def saved(classifier, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    classifier.save(path)
    return path


@pytest.mark.parametrize("imports", ["mlstm_fcn, keras", "keras, mlstm_fcn"])
def test_a_keras_file_needs_the_package_to_be_imported_and_no_more(saved, imports):
    code = f"import {imports}; print(keras.models.load_model({str(saved)!r}, safe_mode=True).output_shape)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.split("\n")[0] == "(None, 4)", done.stderr


def changed_copy(saved, path, change):
    """A copy of an archive, each entry as `change(name, content)` says."""
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(*change(name, old.read(name)))
    return path


def other_weights(name, content):
    return name, content[:-64] + bytes(64) if name.endswith(".h5") else content


def other_about(**values):
    """With a check sum that fits."""

    def change(name, content):
        if name != "mlstm_fcn.json":
            return name, content
        about = {**json.loads(content), **values}
        return name, json.dumps({**about, "crc": crc(about)})

    return change


def edited_about(name, content):
    return name, content.replace(b"Running", b"Walking") if name == "mlstm_fcn.json" else content


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_weights, "is damaged: it was changed after it was saved"),
        (
            lambda name, content: (f"../{name}" if name == "metadata.json" else name, content),
            "a path that leaves the folder",
        ),
        (other_about(format=99, version="9.0"), "written_by='9.0'"),
        (other_about(sha256={}), "is damaged: it was changed after it was saved"),
        (edited_about, "is damaged: it was changed after it was saved"),
    ],
)
def test_keras_files_that_are_not_what_was_saved_are_refused(saved, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        MLSTMFCNClassifier.load(changed_copy(saved, tmp_path / "model.keras", change))


def test_a_file_of_another_version_says_so(saved, tmp_path):
    path = changed_copy(saved, tmp_path / "model.keras", other_about(version="0.0.1"))
    with pytest.warns(UserWarning, match=r"written by version 0\.0\.1"):
        MLSTMFCNClassifier.load(path)


# Commands and card.


def test_the_command_exports_what_train_has_saved(saved, motions, tmp_path):
    arguments = [
        "export",
        str(saved),
        str(tmp_path / "m.onnx"),
        "--data",
        "BasicMotions",
        "--trained-on",
        "Mine",
    ]
    said = CliRunner().invoke(main, arguments)
    assert said.exit_code == 0, said.output
    assert "onnx, largest difference" in said.output
    about = export.load(tmp_path / "m.onnx").about
    accuracy = MLSTMFCNClassifier.load(saved).score(motions.X_test, motions.y_test)
    assert (about["data"], about["metrics"]) == ("Mine", {"accuracy on BasicMotions": accuracy})


def test_the_command_takes_keras_as_a_format_too(saved, tmp_path):
    said = CliRunner().invoke(main, ["export", str(saved), str(tmp_path / "copy.keras")])
    assert said.exit_code == 0, said.output
    assert MLSTMFCNClassifier.load(tmp_path / "copy.keras").model_.output_shape == (None, 4)


def test_the_card_says_what_one_should_know(classifier, motions, saved):
    card = classifier.model_card(motions.X_test, motions.y_test, data="BasicMotions")
    accuracy = classifier.score(motions.X_test, motions.y_test)
    assert f"40 cases: accuracy {accuracy:.4f}" in card
    running = motions.y_test == "Running"
    found = int((classifier.predict(motions.X_test)[running] == "Running").sum())
    assert f"* Running: {found} of 10 cases found." in card
    for fact in ("6 channels", "at most 100 steps", "Badminton, Running", "interpolated", "12 epochs"):
        assert fact in card
    assert "Not tested here" in classifier.model_card()
    said = CliRunner().invoke(main, ["card", str(saved), "BasicMotions"])
    assert f"accuracy {accuracy:.4f}" in said.output
    with pytest.raises(ValueError, match="together"):
        classifier.model_card(motions.X_test)


@pytest.mark.parametrize(
    ("scaling", "replaced"),
    [("channel", "the training mean"), ("series", "the mean of the series"), (None, "zero")],
)
def test_the_card_says_what_missing_values_become(scaling, replaced, motions, saved):
    own = {"scaling": scaling, "missing": "zero", "recipe": Recipe(loss="categorical_crossentropy")}
    fitted = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1, **own}).fit(motions.X_train, motions.y_train)
    card = fitted.model_card()
    assert f"* Missing values: replaced by {replaced}, inside the model." in card
    assert "smoothed" not in card
    assert "Training smoothed labels by 0.1" in MLSTMFCNClassifier.load(saved).model_card()


def test_the_card_of_a_regressor_has_its_figure():
    data = datasets.load("Covid3Month")
    regressor = MLSTMFCNRegressor(**{**SMALL, "n_epochs": 2}).fit(data.X_train, data.y_train)
    card = regressor.model_card(data.X_test, data.y_test)
    assert f"{len(data.y_test)} cases: R² {regressor.score(data.X_test, data.y_test):.4f}" in card
    assert "a number, in the units of the targets" in card
