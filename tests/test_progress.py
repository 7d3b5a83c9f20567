"""What training says of itself: a line in a terminal, lines in a log, and a curve at the end."""

import io
import re

import keras
import numpy as np
import pytest
from rich.console import Console

from mlstm_fcn import MLSTMFCNClassifier
from mlstm_fcn.report.chart import learning_curve
from mlstm_fcn.training import progress
from tests.quick_fit import SMALL

VALIDATED = {"accuracy": 0.5, "loss": 0.1234, "val_loss": 2.3, "val_accuracy": 1.0}


def last_line(monkeypatch, width, figures, **params):
    """The line of a terminal after the twelfth epoch."""
    file = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda: Console(file=file, force_terminal=True, width=width))
    bar = progress.ProgressBar()
    bar.set_params({"epochs": 600, **params})
    bar.on_train_begin()
    bar.on_epoch_end(11, figures)
    bar.on_train_end()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", file.getvalue()).replace("\r", "\n")
    lines = [line for line in text.splitlines() if line.strip()]
    assert max(map(len, lines)) <= width
    return lines[-1]


@pytest.mark.parametrize("figures", [VALIDATED, {"loss": 1.0}, {**VALIDATED, "val_loss": 123.0}])
@pytest.mark.parametrize("member", [{}, {"member": 2, "members": 5}])
def test_a_line_of_80_columns_has_member_epoch_and_times(figures, member, monkeypatch):
    line = last_line(monkeypatch, 80, figures, **member)
    assert line.startswith("member 2/5  epoch  12/600 " if member else "epoch  12/600 ")
    assert re.search(r" 0:00:00 left [-\d]:[-\d]{2}:[-\d]{2}$", line)
    assert f"loss {figures['loss']:.2f}" in line


def test_figures_of_validation_stand_beside_those_of_training(monkeypatch):
    assert "loss 0.12|2.30  accuracy 0.50|1.00" in last_line(monkeypatch, 80, VALIDATED)
    assert "loss 0.123|2.300  accuracy 0.500|1.000" in last_line(monkeypatch, 120, VALIDATED)
    assert progress.figures_within({}, 80) == ""


@pytest.mark.parametrize(("n_epochs", "shown"), [(3, [1, 2, 3]), (21, [1, 10, 20, 21])])
def test_without_a_terminal_each_or_every_tenth_epoch_is_a_line(n_epochs, shown, capsys):
    bar = progress.ProgressBar()
    bar.set_params({"epochs": n_epochs})
    bar.on_train_begin()
    for epoch in range(n_epochs):
        bar.on_epoch_end(epoch, VALIDATED)
    bar.on_train_end()
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[1].partition("/")[0]) for line in lines] == shown
    assert re.search(r"loss 0\.12\d?\|2\.30+  accuracy .*  0 s$", lines[0])


def test_each_member_says_which_one_it_is(basic_motions, capsys):
    class Place(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            print(self.params["member"], "of", self.params["members"])

    options = {**SMALL, "n_epochs": 1, "n_members": 2, "callbacks": [Place()], "verbose": 1}
    MLSTMFCNClassifier(**options).fit(basic_motions.X_train, basic_motions.y_train)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if " of " in line] == ["1 of 2", "2 of 2"]
    assert [line[:21] for line in lines if "epoch" in line] == [
        "member 1/2  epoch 1/1",
        "member 2/2  epoch 1/1",
    ]


def test_the_curve_falls_from_the_first_column_to_the_last():
    text = learning_curve({"loss": np.linspace(5, 1, 300), "val_loss": np.full(300, 5.0)}, height=5)
    title, *lines, axis, ticks = text.splitlines()
    assert title == "loss by epoch: * training, o validation"
    assert max(map(len, text.splitlines())) <= 80
    assert (lines[0][:3], lines[-1][:3]) == ("5 |", "1 |")
    assert lines[0].count("o") == len(axis) - 3
    places = [line.index("*") for line in lines[1:]]
    assert places == sorted(places)
    assert lines[-1].endswith("*")
    assert len(lines[-1]) == len(axis)
    assert ticks.split() == ["1", "300"]


def test_there_is_no_curve_of_one_epoch_or_none():
    assert learning_curve({}) == learning_curve({"loss": [1.0]}) == learning_curve({"accuracy": [1, 2]}) == ""
    assert learning_curve({"loss": [np.nan, np.inf]}) == ""
    assert "*" in learning_curve({"loss": [1.0, np.nan, 1.0]})
