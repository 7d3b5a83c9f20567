"""Pictures show the numbers that they are of, in new axes or in given ones, on light and on dark."""

import ast
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch

from mlstm_fcn import NetworkClassifier, explain, plotting
from tests import plotted

pytestmark = pytest.mark.usefixtures("drawn_in_memory")


problem, fitted = plotted.problem, plotted.fitted


def test_learning_curves_have_a_panel_for_each_figure_with_training_and_validation(fitted):
    loss, accuracy = plotting.learning_curves(fitted)
    training, validation = loss.lines
    np.testing.assert_allclose(training.get_ydata(), fitted.history_["loss"])
    np.testing.assert_allclose(validation.get_ydata(), fitted.history_["val_loss"])
    assert training.get_xdata()[[0, -1]].tolist() == [1, 20]
    assert [ax.get_ylabel() for ax in (loss, accuracy)] == ["loss", "accuracy"]
    display = plotting.LearningCurvesDisplay({"loss": [0.5], "learning_rate": [0.1]}).plot()
    assert [ax.get_ylabel() for ax in display.axes_] == ["loss", "learning rate"]
    with pytest.raises(ValueError, match="must hold an epoch"):
        plotting.LearningCurvesDisplay({"loss": []})


def test_gates_are_means_over_the_cases_of_a_class(fitted, problem):
    X, y = problem
    first, second = plotting.gates(fitted, X, y)
    found = explain.gates(fitted, X)
    for ax, (name, values) in zip((first, second), found.items(), strict=True):
        means = np.stack([values[y == label].mean(axis=0) for label in ("down", "up")])
        (image,) = ax.images
        np.testing.assert_allclose(image.get_array(), means[:, means.mean(axis=0).argsort()], atol=1e-6)
        assert ax.get_title("left") == name.replace("_", " ")
    assert [label.get_text() for label in first.get_yticklabels()] == ["down", "up"]
    predicted = plotting.GatesDisplay.from_estimator(fitted, X)
    assert list(predicted.classes) == sorted(set(fitted.predict(X)))
    with pytest.raises(ValueError, match=r"`y` must have a class for each series.*y=3, X=40"):
        plotting.gates(fitted, X, y[:3])


def test_attention_says_whether_its_steps_are_channels(fitted, problem):
    X, y = problem
    ax = plotting.attention(fitted, X)
    (weights,) = explain.attention(fitted, X).values()
    np.testing.assert_allclose(ax.images[0].get_array(), weights.mean(axis=0), atol=1e-6)
    assert ax.get_xlabel() == "attended channel"
    over_time = NetworkClassifier(
        network="malstm_fcn",
        network_params={"filters": (4,), "kernel_sizes": (3,), "dimension_shuffle": False},
        n_epochs=1,
    )
    assert plotting.attention(over_time.fit(X[:, :, :8], y), X[:, :, :8]).get_xlabel() == "attended step"


@pytest.mark.usefixtures("uncompiled")
def test_shares_of_kernels_are_named_by_the_steps_that_they_span(problem):
    X, y = problem
    options = {"filters": (4,), "kernel_sizes": (3,), "dilation_rates": (2,), "selective_branches": 3}
    network = {"network": "sk_mlstm_fcn", "network_params": {**options, "recurrent": None, "reduction": None}}
    classifier = NetworkClassifier(**network, n_epochs=1).fit(X, y)
    ax = plotting.kernel_shares(classifier, X, y)
    (values,) = explain.kernel_shares(classifier, X).values()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["5 steps", "9 steps", "13 steps"]
    widths = np.array([[bar.get_width() for bar in bars] for bars in ax.containers])
    expected = np.stack([values[y == label].mean(axis=(0, 2)) for label in ("down", "up")], axis=1)
    np.testing.assert_allclose(widths, expected, atol=1e-6)


def test_the_channel_that_decides_stands_on_top(fitted, problem):
    ax = plotting.permutation_importance(fitted, *problem, n_repeats=2, random_state=0)
    assert ax.get_yticklabels()[0].get_text() == "0"
    assert ax.patches[0].get_width() > 0.3
    assert ax.yaxis_inverted()


def test_accuracy_rises_where_the_bump_is_given(fitted, problem):
    display = plotting.LengthDisplay.from_estimator(fitted, *problem, n_lengths=4)
    assert display.steps == [10, 20, 30, 40]
    assert display.scores[-1] == fitted.score(*problem) == 1
    assert max(display.scores[:2]) < 0.8
    ax = display.plot().axes_
    assert ax.lines[0].get_ydata().tolist() == display.scores


def test_lengths_at_which_a_series_has_no_value_yet_are_left_out(fitted, problem):
    X, y = problem[0].copy(), problem[1]
    X[0, :, : X.shape[2] // 2] = np.nan
    (line,) = plotting.accuracy_by_length(fitted, X, y, n_lengths=4).lines
    assert line.get_xdata().tolist()[1:] == [X.shape[2] * 3 // 4, X.shape[2]]
    assert line.get_xdata()[0] == X.shape[2] // 2 + 1


def test_confusion_and_calibration_are_those_of_scikit_learn(fitted, problem):
    X, y = problem
    wrong = np.where(np.arange(40) < 10, "down", y)
    ax = plotting.confusion_matrix(fitted, X, wrong)
    assert np.array_equal(ax.images[0].get_array(), [[20, 5], [0, 15]])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["down", "up"]
    curve = plotting.calibration(fitted, X, wrong, n_bins=1).lines[-1]
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(curve.get_xydata(), [[probabilities.max(axis=1).mean(), 35 / 40]], atol=1e-6)
    curve = plotting.calibration(fitted, X, wrong, n_bins=1, label="up").lines[-1]
    np.testing.assert_allclose(curve.get_xydata(), [[probabilities[:, 1].mean(), 15 / 40]], atol=1e-6)
    with pytest.raises(ValueError, match="`label` must be one of the classes"):
        plotting.calibration(fitted, X, y, label="left")


def test_given_axes_are_drawn_in_one_is_divided_and_wrong_numbers_are_refused(fitted, problem):
    figure, axes = plt.subplots(1, 3)
    assert plotting.permutation_importance(fitted, *problem, n_repeats=1, ax=axes[0]) is axes[0]
    loss, accuracy = plotting.learning_curves(fitted, ax=axes[1])
    assert loss.figure is accuracy.figure is figure
    outer, inner = axes[1].get_position(), loss.get_position()
    assert outer.x0 <= inner.x0 <= inner.x1 <= outer.x1 + 1e-9
    assert list(plotting.explain(fitted, problem[0][0], ax=axes[1:])) == list(axes[1:])
    with pytest.raises(ValueError, match=r"or 2 axes\. Received: n_axes=3"):
        plotting.learning_curves(fitted, ax=axes)
    plotting.learning_curves(fitted)
    assert len(plt.get_fignums()) == 2


def test_a_new_figure_fits_a_column_and_leaves_the_settings_as_they_are(fitted, problem):
    before = dict(matplotlib.rcParams)
    for draw in (plotting.gates, plotting.confusion_matrix, plotting.calibration):
        axes = np.ravel(draw(fitted, *problem))
        assert axes[0].figure.get_size_inches()[0] == 3.5
        assert axes[0].xaxis.label.get_size() == 8
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("style", ["default", "dark_background", "ggplot", "grayscale"])
def test_whatever_is_drawn_stands_out_from_the_background(style, fitted, problem):
    """Of all lines and texts, and of the grey of values near zero."""
    X, y = problem
    with plt.style.context(style):
        plotting.explain(fitted, X[0])
        plotting.calibration(fitted, X, y)
        plotting.network(fitted)
        for ax in [ax for number in plt.get_fignums() for ax in plt.figure(number).axes]:
            ax.figure.canvas.draw()
            lines = [one for one in ax.collections if isinstance(one, LineCollection)]
            pieces = [one.get_colors() for one in lines if one.get_array() is not None]
            drawn = [to_rgb(one.get_color()) for one in ax.lines] + [c[:3] for of in pieces for c in of]
            texts = [to_rgb(text.get_color()) for text in ax.findobj(matplotlib.text.Text)]
            inside = ax.get_facecolor() if ax.axison else ax.figure.get_facecolor()
            boxes = [(box.get_facecolor(), texts) for box in ax.patches if isinstance(box, FancyBboxPatch)]
            for background, colours in ((inside, drawn), (ax.figure.get_facecolor(), texts), *boxes):
                differences = [np.abs(np.subtract(colour, background[:3])).max() for colour in colours]
                assert min(differences, default=1) > 0.25


def test_matplotlib_is_loaded_when_something_is_drawn_and_named_where_it_is_missing(monkeypatch):
    for path in Path(plotting.__file__).parent.glob("*.py"):
        at_the_top = [ast.unparse(node) for node in ast.parse(path.read_text()).body]
        assert not [line for line in at_the_top if line.startswith(("import matplotlib", "from matplotlib"))]
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    display = plotting.LearningCurvesDisplay({"loss": [1.0]})
    with pytest.raises(ImportError, match=r"pip install 'mlstm-fcn\[plot\]'"):
        display.plot()
