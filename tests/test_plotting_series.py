"""A series is drawn with its evidence where it decides, whatever explains it."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from mlstm_fcn import NetworkClassifier, NetworkRegressor, explain, plotting
from tests import plotted
from tests.plotted import lines_of, text_of

pytestmark = pytest.mark.usefixtures("drawn_in_memory")


problem, fitted = plotted.problem, plotted.fitted


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


def test_a_pipeline_is_explained(problem):
    X, y = problem
    options = {"filters": (4,), "kernel_sizes": (3,)}
    network = NetworkClassifier(network="fcn", network_params=options, n_epochs=1)
    pipeline = make_pipeline(network).fit(X, y)
    (only,) = plotting.explain(pipeline, X[0])
    assert "fall of P(" in text_of(only)
