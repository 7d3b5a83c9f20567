"""The commands work, and print errors as one sentence."""

import csv
import io
import re
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from mlstm_fcn import Engine, NetworkClassifier, __version__
from mlstm_fcn.cli import main
from mlstm_fcn.training.progress import ProgressBar


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "motions.keras"
    output = run("train", "BasicMotions", "--epochs", 25, "--output", path)
    return path, output


def test_train_prints_the_results(saved):
    path, output = saved
    assert "40 training and 40 test cases, 6 channels, 100 steps, 4 classes" in output
    assert re.findall(r"^epoch +(\d+)/25  loss", output, re.M) == ["1", "10", "20", "25"]
    assert "\nloss by epoch: * training\n" in output
    assert "precision" in output
    assert "Confusion matrix" in output
    assert "Badminton" in output
    assert "accuracy 1.0000  (40 of 40 cases)" in output
    assert f"saved     {path}" in output
    assert f"next      mlstm-fcn predict {path} BasicMotions" in output


def test_evaluate_agrees_with_train(saved):
    path, output = saved
    again = run("evaluate", path, "BasicMotions")
    assert "accuracy 1.0000  (40 of 40 cases)" in again
    assert again.strip() in output.replace("\r", "")


def test_predict_prints_csv_for_a_data_set_or_a_file(saved, tmp_path):
    from mlstm_fcn import datasets
    from mlstm_fcn.datasets import places

    path, _ = saved
    rows = list(csv.DictReader(io.StringIO(run("predict", path, "BasicMotions"))))
    assert [row["case"] for row in rows] == [str(case) for case in range(40)]
    _, labels = datasets.load("BasicMotions", split="test")
    assert [row["label"] for row in rows] == labels.tolist()
    for row in rows:
        assert sum(float(row[label]) for label in set(labels)) == pytest.approx(1, abs=1e-5)
    file = places.find("BasicMotions")["test"].path
    assert list(csv.DictReader(io.StringIO(run("predict", path, file)))) == rows


def test_nothing_is_written_unless_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = run("train", "UnitTest", "--epochs", 1, "--quiet")
    assert list(tmp_path.iterdir()) == []
    assert "next      add --output NAME.keras to save the model" in output
    assert "epoch" not in output


def test_module_and_script_are_one():
    help_text = subprocess.run(
        [sys.executable, "-m", "mlstm_fcn", "--help"], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    for command in ("train", "evaluate", "predict"):
        assert command in help_text
    assert __version__ in run("--version")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "BasicMotion"], "Error: `dataset` must be one of"),
        (["train", "BasicMotion"], "Did you mean 'BasicMotions'"),
        (["train", "BasicMotions", "--recipe", "papers"], "Did you mean 'paper'"),
        (["train", "BasicMotions", "--epochs", 0], "Error: `n_epochs` must be a positive integer"),
        (
            ["train", "BasicMotions", "--output", "it.h5"],
            "Error: The file name must end in .keras or .mlstm.",
        ),
        (["train", "BasicMotions", "--output", "none/it.keras"], "Error: The folder none does not exist."),
        (
            ["evaluate", "none.keras", "BasicMotions"],
            "Error: [Errno 2] No such file or directory: 'none.keras'",
        ),
        (["predict", "none.keras", "none.ts"], "Error: [Errno 2] No such file or directory: 'none.ts'"),
    ],
)
def test_an_error_is_one_sentence(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = run(*arguments, code=1)
    assert message in output
    assert "Traceback" not in output
    assert list(tmp_path.iterdir()) == []


def test_predicting_another_data_set_is_refused(saved):
    assert "Error: X must have 6 channels, as in fit." in run("predict", saved[0], "UnitTest", code=1)


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        ("@classLabel false", "1,2,3:4,5,6", "Error: Evaluation requires a label for every case."),
        ("@classLabel true Flying", "1,2,3:Flying", "Error: Every label must be a class of the model."),
    ],
)
def test_evaluating_without_known_labels_is_refused(header, line, message, saved, tmp_path):
    (tmp_path / "it.ts").write_text(f"{header}\n@data\n{line}\n")
    assert message in run("evaluate", saved[0], tmp_path / "it.ts", code=1)


def test_a_regressor_is_refused(tmp_path):
    from mlstm_fcn import NetworkRegressor, datasets

    X, y = datasets.load("Covid3Month", split="train")
    NetworkRegressor(network="fcn", n_epochs=1).fit(X[:8], y[:8]).save(tmp_path / "it.keras")
    output = run("evaluate", tmp_path / "it.keras", "Covid3Month", code=1)
    assert "must hold one of BaseNetworkClassifier, MLSTMFCNClassifier, NetworkClassifier" in output


def test_an_interrupted_training_leaves_no_file(tmp_path, monkeypatch):
    """Ctrl-C in the third epoch."""

    def interrupt(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(ProgressBar, "on_epoch_end", interrupt)
    output = run("train", "UnitTest", "--output", tmp_path / "it.keras", code=1)
    assert output.rstrip().endswith("Aborted!")
    assert list(tmp_path.iterdir()) == []


def test_commands_take_data_of_ones_own(tmp_path):
    from mlstm_fcn import datasets

    motions = datasets.load("BasicMotions")
    datasets.write(tmp_path / "Gait_TRAIN.ts", motions.X_train[::2], motions.y_train[::2])
    datasets.write(tmp_path / "Gait_TEST.ts", motions.X_test[:6], motions.y_test[:6])
    own, model = ("Gait", "--folder", tmp_path), tmp_path / "it.keras"
    output = run("train", *own, "--network", "mlp", "--epochs", 1, "--quiet", "--output", model)
    assert "'Gait': 20 training and 6 test cases, 6 channels" in output
    assert "of 6 cases" in output
    assert f"next      mlstm-fcn predict {model} Gait --folder {tmp_path}" in output
    assert "of 6 cases" in run("evaluate", model, *own)
    assert len(run("predict", model, *own).splitlines()) == 7
    assert "* 6 cases: accuracy" in run("card", model, *own)
    missing = run("train", "Gait", code=1)
    assert "`dataset` must be one of" in missing
    assert f"No such files were found in {tmp_path}" not in missing
    (tmp_path / "Gait_TEST.ts").unlink()
    halved = run("train", *own, code=1)
    assert "Gait_TRAIN and Gait_TEST, as one of" in halved
    assert (
        "must be in one folder or zip archive. Complete or remove what is there. Received: found=" in halved
    )
    assert "Gait_TRAIN.ts']" in halved
    (tmp_path / "Gait_TRAIN.ts").unlink()
    assert f"No such files were found in {tmp_path}," in run("train", *own, code=1)


def test_a_test_set_at_fault_costs_no_training(tmp_path):
    """The model is saved before it is tested. Training cases are checked before training."""
    from mlstm_fcn import datasets

    X, y = datasets.load("UnitTest", split="train")
    datasets.write(tmp_path / "Longer_TRAIN.ts", X[:, :, :-1], y)
    datasets.write(tmp_path / "Longer_TEST.ts", X, y)
    options = ("--folder", tmp_path, "--network", "mlp", "--epochs", 1, "--quiet")
    said = run("train", "Longer", *options, "--on-longer", "error", "--output", tmp_path / "it.keras", code=1)
    assert "Error: X must not be longer than" in said
    datasets.write(tmp_path / "Whole_TEST.ts", X[:, :, :-1], y)
    assert f"of {len(y)} cases" in run("evaluate", tmp_path / "it.keras", tmp_path / "Whole_TEST.ts")
    (tmp_path / "folder.keras").mkdir()
    said = run("train", "Longer", *options, "--output", tmp_path / "folder.keras", code=1)
    assert "Error: The path must be a file, not a folder" in said
    datasets.write(tmp_path / "Longer_TRAIN.ts", X, ["one"] * len(y))
    said = run("train", "Longer", *options, code=1)
    assert "Error: Training cases must have at least two classes. Received: labels=['one']" in said


def test_labels_that_only_test_cases_have_are_counted(tmp_path):
    from mlstm_fcn import datasets

    X, y = datasets.load("UnitTest", split="train")
    datasets.write(tmp_path / "New_TRAIN.ts", X, y)
    datasets.write(tmp_path / "New_TEST.ts", X[:4], ["unseen", "unseen", *y[2:4]])
    said = run("train", "New", "--folder", tmp_path, "--network", "mlp", "--epochs", 1, "--quiet")
    assert "of 4 cases" in said
    assert re.search(r"unseen\W+.*\b2\b", said)


def test_train_takes_any_network(tmp_path):
    path = tmp_path / "it.keras"
    output = run("train", "BasicMotions", "--network", "mlp", "--epochs", 2, "--quiet", "--output", path)
    assert "of 40 cases" in output
    assert "of 40 cases" in run("evaluate", path, "BasicMotions")
    assert "Did you mean 'resnet'" in run("train", "BasicMotions", "--network", "resnt", code=1)
    output = run("train", "BasicMotions", "--network", "fcn", "--attention", code=1)
    assert "give them without `--network`" in output


def test_train_takes_the_engines_options(tmp_path):
    path, network = (
        tmp_path / "it.keras",
        ("--network", "mlp", "--epochs", 1, "--quiet", "--output", tmp_path / "it.keras"),
    )
    run("train", "BasicMotions", *network, "--device", "cpu", "--precision", "float32", "--jobs", 2)
    assert NetworkClassifier.load(path).engine == Engine(device="cpu", precision="float32", n_jobs=2)
    several = run("train", "BasicMotions", *network, "--distribution", "data", code=1)
    assert "requires at least two devices that tensorflow sees" in several
    assert "must be 'auto', 'cpu', 'gpu', or one of several" in run(
        "train", "BasicMotions", "--device", "tpu", code=1
    )


def test_train_takes_several_networks_that_vote(tmp_path):
    path = tmp_path / "vote.keras"
    output = run("train", "BasicMotions", "--members", 2, "--epochs", 1, "--output", path)
    assert output.count("epoch 1/1") >= 2
    assert "of 40 cases" in run("evaluate", path, "BasicMotions")
    assert "2 networks that vote" in run("card", path, "BasicMotions")


def test_models_lists_names_with_their_options():
    lines = run("models", "list").splitlines()
    assert lines[0].split() == ["mlp", "mlp"]
    assert "fcn            lstm_fcn      reduction=None, recurrent=None" in lines


def test_models_describe_prints_the_cost():
    of_fcn = ("models", "describe", "fcn", "--classes", 4, "--input-shape")
    output = run(*of_fcn, "50,6", "--layers")
    figures = [line.split() for line in output.splitlines()]
    convolutions = 8 * 6 * 128 + 5 * 128 * 256 + 3 * 256 * 128
    assert ["parameters", f"{convolutions + 5 * 512 + 129 * 4:,}"] in figures
    assert ["flops", f"{2 * (50 * convolutions + 128 * 4):,}"] in figures
    assert ["receptive", "field", "24"] in figures  # half of the length
    assert ["receptive", "field", "14"] in [
        line.split() for line in run(*of_fcn, "50,6", "--recipe", "paper").splitlines()
    ]
    assert "conv_2" in output
    assert "steps and channels, as in 100,6" in run(*of_fcn, "5", code=1)


def test_held_back_cases_calibrate_and_tell_what_is_usual(tmp_path):
    from mlstm_fcn import MLSTMFCNClassifier, trust

    path = tmp_path / "it.keras"
    output = run("train", "BasicMotions", "--epochs", 1, "--held-back", 0.25, "--output", path, "--quiet")
    loaded = MLSTMFCNClassifier.load(path)
    assert f"held back 10 cases; temperature {trust.temperature(loaded):.3g}" in output
    rows = list(csv.DictReader(io.StringIO(run("predict", path, "BasicMotions"))))
    assert len(rows) == 40
    assert all(float(row["unlikeness"]) > 0 for row in rows)
    message = "Error: `--held-back` needs two cases of each class, and room for each class in both parts."
    assert message in run("train", "BasicMotions", "--held-back", 0.05, code=1)
    message = "Error: `--held-back` must be in (0, 1). Received: held_back=1.5"
    assert message in run("train", "BasicMotions", "--held-back", 1.5, code=1)


def test_labels_of_a_file_are_text_and_those_of_a_model_may_be_numbers(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 1, 6)).round(3), np.arange(12) % 2
    small = {"network_params": {"filters": (4,), "kernel_sizes": (3,)}, "n_epochs": 1, "random_state": 0}
    classifier = NetworkClassifier(network="fcn", **small).fit(X, y)
    classifier.save(tmp_path / "it.keras")
    lines = [f"{','.join(map(str, case[0]))}:{label}\n" for case, label in zip(X, y, strict=True)]
    (tmp_path / "it.ts").write_text(f"@classLabel true 0 1\n@data\n{''.join(lines)}")
    n_right = int((classifier.predict(X) == y).sum())
    assert n_right > 0
    assert f"({n_right} of 12 cases)" in run("evaluate", tmp_path / "it.keras", tmp_path / "it.ts")
    assert f"{n_right / 12:.4f}" in run("card", tmp_path / "it.keras", tmp_path / "it.ts")
