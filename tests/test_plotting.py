"""Pictures show the numbers that they are of, in new axes or in given ones, on light and on dark."""

import ast
import sys
from itertools import pairwise
from pathlib import Path

import keras
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch
from sklearn.pipeline import make_pipeline

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, NetworkRegressor, explain, models, plotting
from mlstm_fcn.models.counting import cost

SMALL = {"filters": (4, 8), "kernel_sizes": (5, 3), "lstm_units": 2, "batch_size": 16, "random_state": 0}


@pytest.fixture(autouse=True)
def drawn_in_memory():
    """No window opens, and no figure is left."""
    before = matplotlib.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


@pytest.fixture(scope="module")
def problem():
    """The class is the sign of a bump at steps 20 to 24 of the first of three channels."""
    rng = np.random.default_rng(0)
    y = np.where(np.arange(40) % 2, "up", "down")
    X = rng.normal(scale=0.2, size=(40, 3, 40))
    X[:, 0, 20:25] += np.where(y == "up", 2, -2)[:, None]
    return X, y


@pytest.fixture(scope="module")
def fitted(problem):
    """Also with attention, so that one network has all that is drawn but selective kernels."""
    X, y = problem
    classifier = MLSTMFCNClassifier(
        **SMALL, n_epochs=20, learning_rate=0.01, attention=True, dilation_rates=(1, 2)
    )
    return classifier.fit(X, y, X_val=X[:8], y_val=y[:8])


def lines_of(ax):
    """The coloured pieces of lines of a series."""
    (found,) = ax.collections
    return found


def text_of(ax):
    return " ".join(text.get_text() for text in ax.figure.findobj(matplotlib.text.Text))


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


def test_a_series_is_widest_and_reddest_where_it_decides(fitted, problem):
    X, _ = problem
    left, right = plotting.explain(fitted, X[1])
    assert left.get_title("left").startswith("up, probability 0.")
    for ax, places in ((left, range(16, 29)), (right, range(17, 29))):
        lines = lines_of(ax)
        of_first = lines.get_array()[:39]
        assert of_first.argmax() in places
        assert np.argmax(lines.get_linewidths()[:39]) in places
        assert lines.norm.vmin == -lines.norm.vmax
        assert len(lines.get_paths()) == 3 * 39
    assert [label.get_text() for label in left.get_yticklabels()] == ["0", "1", "2"]
    assert "evidence for up" in text_of(left)
    assert "fall of P(up) if hidden" in text_of(right)


def test_evidence_is_against_the_mean_of_the_classes(fitted, problem):
    X, _ = problem
    (maps,) = explain.class_activation_map(fitted, X[1:2])
    expected = maps[0] - maps.mean(axis=0)
    lines = lines_of(plotting.class_activation_map(fitted, X[1], label="down"))
    np.testing.assert_allclose(lines.get_array()[:39], (expected[:-1] + expected[1:]) / 2, atol=1e-6)
    with pytest.raises(ValueError, match=r"`label` must be one of the classes.*label='left'"):
        plotting.class_activation_map(fitted, X[1], label="left")


def test_one_series_comes_in_any_container_and_several_are_refused(fitted, problem):
    X, _ = problem
    expected = lines_of(plotting.occlusion(fitted, X[0])).get_array()
    frame = pd.DataFrame(X[0].T)
    nested = pd.DataFrame([[pd.Series(channel) for channel in X[0]]])
    for x in (X[:1], X[0].tolist(), [X[0]], frame, [frame], nested):
        np.testing.assert_allclose(lines_of(plotting.occlusion(fitted, x)).get_array(), expected, atol=1e-6)
    with pytest.raises(ValueError, match=r"must be one series \(channels, time\), such as `X\[i\]`"):
        plotting.explain(fitted, X[:2])


def test_names_of_channels_are_shown(problem):
    display = plotting.SeriesDisplay(problem[0][0], np.ones((1, 40)), "value", ["x", "y", "z"]).plot()
    assert [label.get_text() for label in display.axes_.get_yticklabels()] == ["x", "y", "z"]
    many = plotting.SeriesDisplay(np.ones((100, 3)), np.ones((100, 3)), "value").plot()
    assert len(many.axes_.get_yticks()) <= 24
    assert many.figure_.get_size_inches()[1] < 9
    with pytest.raises(ValueError, match=r"shape \(3, 40\) of the series, or \(1, 40\)"):
        plotting.SeriesDisplay(problem[0][0], np.ones((2, 40)), "value")


def test_a_long_series_is_drawn_in_few_pieces_that_meet(rng):
    series = rng.normal(size=(1, 10_001)).cumsum(axis=1)
    lines = lines_of(plotting.SeriesDisplay(series, np.zeros((1, 10_001)), "value").plot().axes_)
    pieces = [path.vertices for path in lines.get_paths()]
    assert len(pieces) <= 400
    assert all((one[-1] == other[0]).all() for one, other in pairwise(pieces))
    assert pieces[-1][-1, 0] == 10_000


@pytest.mark.usefixtures("uncompiled")
def test_missing_values_are_gaps_and_a_channel_without_values_is_an_empty_line(fitted, problem):
    x = problem[0][0].copy()
    x[0, 5:9], x[1] = np.nan, np.nan
    lines = lines_of(plotting.explain(fitted, x)[0])
    gaps = [np.isnan(path.vertices).any() for path in lines.get_paths()]
    assert np.flatnonzero(gaps[:39]).tolist() == [4, 5, 6, 7, 8]
    assert all(gaps[39:78])
    assert not any(gaps[78:])
    shorter = lines_of(plotting.explain(fitted, problem[0][0, :, :25])[0])
    assert len(shorter.get_paths()) == 3 * 24
    assert np.isfinite(shorter.get_array()).all()


class Rising:
    """Another package's: the mean of a series is the probability."""

    def predict_proba(self, X):
        up = np.array([np.mean(case) for case in X])
        return np.stack([1 - up, up], axis=1)

    def predict(self, X):
        return np.where(self.predict_proba(X)[:, 1] > 0.5, "up", "down")


def test_an_estimator_without_maps_and_a_regressor_are_explained_too(problem, rng):
    x = np.full((1, 20), 0.8)
    x[0, :4] = 1
    (only,) = plotting.explain(Rising(), x)
    assert only.get_title("left") == "up, probability 0.84"
    np.testing.assert_allclose(lines_of(only).get_array()[:2], 0.16 * 2 / 20)
    X, _ = problem
    options = {"filters": (4,), "kernel_sizes": (3,)}
    regressor = NetworkRegressor(network="fcn", network_params=options, n_epochs=1).fit(
        X, X[:, 0].mean(axis=1)
    )
    left, right = plotting.explain(regressor, X[0])
    assert "evidence for a larger number" in text_of(left)
    assert "fall of the prediction if hidden" in text_of(right)


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


@pytest.mark.parametrize("name", ["mlstm_fcn", "se_resnet", "inception", "vgg", "efficientnet", "mlp"])
def test_a_network_is_drawn_with_all_layers_that_have_weights_none_over_another(name):
    network = models.build(name, (100, 6), 4)
    display = plotting.NetworkDisplay(network)
    boxes = display.boxes
    assert len({(box.row, box.lane) for box in boxes}) == len(boxes)
    assert {layer.name for layer in network.layers if layer.weights} <= {box.title for box in boxes}
    for box in boxes:
        assert all(boxes[number].row < box.row for number in box.inputs)
        assert bool(box.inputs) == (box.title != "series")
    reached = {number for box in boxes for number in box.inputs}
    assert reached == set(range(len(boxes) - 1))  # all but the output are read
    assert f"sees {cost(network).receptive_field} steps" in " ".join(b.text for b in boxes) or name == "mlp"


def test_a_box_tells_kernel_dilation_stride_and_shape():
    network = models.build("mlstm_fcn", (100, 6), 4, dilation_rates=(2, 4, 8), filters=(16, 32, 16))
    boxes = {box.title: box for box in plotting.NetworkDisplay(network).boxes}
    assert boxes["conv_1"].text == "kernel 8, dilation 2, sees 15 steps"
    assert boxes["conv_1"].shape == "100 \N{MULTIPLICATION SIGN} 16"
    assert boxes["lstm"].lane == 1
    assert boxes["features"].lane == 0
    assert "relu_1" not in boxes
    text = text_of(plotting.network(network))
    assert all(f"{box.title} " in text + " " and box.text in text for box in boxes.values())
    strided = models.build("resnet", (100, 6), 4, filters=(8,), units=(1,), strides=(4,), kernel_sizes=(3,))
    assert "stride 4" in " ".join(box.text for box in plotting.NetworkDisplay(strided).boxes)


def test_masks_and_series_of_any_length_are_drawn():
    network = models.build("fcn", (None, 2), 3, masked=True, filters=(4,), kernel_sizes=(3,))
    boxes = plotting.NetworkDisplay(network).boxes
    assert [box.title for box in boxes] == ["series", "conv_1", "average", "output"]
    assert boxes[1].shape == "any \N{MULTIPLICATION SIGN} 4"
    assert [box.inputs for box in boxes] == [(), (0,), (1,), (2,)]


@pytest.mark.usefixtures("uncompiled")
def test_a_member_of_an_ensemble_is_drawn(problem):
    ensemble = MLSTMFCNClassifier(**SMALL, n_epochs=1, n_members=2).fit(*problem)
    assert plotting.NetworkDisplay.from_estimator(ensemble, 2).boxes[0].title == "series"
    assert [ax.get_title("left") for ax in plotting.gates(ensemble, problem[0])][-1] == (
        "member 2: squeeze excite 2"
    )
    with pytest.raises(ValueError, match="`member` must be from 1 to 2"):
        plotting.network(ensemble, member=3)


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


def test_a_pipeline_is_explained(problem):
    X, y = problem
    options = {"filters": (4,), "kernel_sizes": (3,)}
    network = NetworkClassifier(network="fcn", network_params=options, n_epochs=1)
    pipeline = make_pipeline(network).fit(X, y)
    (only,) = plotting.explain(pipeline, X[0])
    assert "fall of P(" in text_of(only)


def test_a_model_of_keras_is_drawn():
    series = keras.Input((10, 2), name="own")
    model = keras.Model(series, keras.layers.Dense(3, name="last")(keras.layers.Flatten(name="flat")(series)))
    assert [box.title for box in plotting.NetworkDisplay.from_estimator(model).boxes] == [
        "own",
        "flat",
        "last",
    ]
