"""Where in a series its answer comes from: class activation maps and occlusion."""

import numpy as np
import pytest

from mlstm_fcn import NetworkClassifier
from mlstm_fcn.explain import class_activation_map, occlusion
from mlstm_fcn.models.pipeline import split
from tests import explained
from tests.bumps import bumps as signs_of_bumps
from tests.explained import Weighing

problem, fitted = explained.problem, explained.fitted


@pytest.fixture(scope="module")
def bumps():
    return signs_of_bumps(60, 2, noise=0.2)


@pytest.fixture(scope="module")
def of_bumps(bumps):
    options = {"filters": (8, 8), "kernel_sizes": (3, 3), "dilation_rates": (1, 1)}
    classifier = NetworkClassifier(
        network="fcn", network_params=options, n_epochs=30, learning_rate=0.01, random_state=0
    )
    return classifier.fit(*bumps)


def logits(classifier, maps):
    """What the softmax takes, where there is no LSTM branch."""
    _, network, _ = split(classifier.model_)
    return np.nanmean(maps, axis=2) + network.get_layer("output").bias.numpy()


def test_the_mean_of_a_class_activation_map_is_what_the_softmax_takes(of_bumps, bumps):
    X = [case[:, : 26 + number % 15] for number, case in enumerate(bumps[0])]
    maps = class_activation_map(of_bumps, X)
    assert maps.shape == (60, 2, 40)
    assert [int((~np.isnan(one[0])).sum()) for one in maps] == [case.shape[1] for case in X]
    odds = np.exp(logits(of_bumps, maps))
    np.testing.assert_allclose(odds / odds.sum(axis=1)[:, None], of_bumps.predict_proba(X), atol=1e-5)


def test_a_class_activation_map_and_an_occlusion_are_highest_where_the_classes_differ(of_bumps, bumps):
    X, y = bumps
    maps = class_activation_map(of_bumps, X)
    for label in (0, 1):
        mean = maps[y == label].mean(axis=0)
        assert 18 <= (mean[label] - mean[1 - label]).argmax() <= 26
    fall = occlusion(of_bumps, X, size=5)
    assert fall.shape == X.shape
    np.testing.assert_array_equal(fall[:, 0].argmax(axis=1), 20)
    assert fall[:, 0, 20:25].mean() > 10 * np.abs(fall[:, 1]).mean()


@pytest.mark.usefixtures("uncompiled")
def test_an_lstm_branch_is_no_part_of_the_map_and_strides_repeat_it(bumps):
    X, y = bumps
    options = {"filters": (4, 4), "kernel_sizes": (3, 3), "lstm_units": 3}
    classifier = NetworkClassifier(network="lstm_fcn", network_params=options, n_epochs=1).fit(X, y)
    _, network, _ = split(classifier.model_)
    kernel, bias = network.get_layer("output").get_weights()
    kernel[:3] = 0
    network.get_layer("output").set_weights([kernel, bias])
    odds = np.exp(logits(classifier, class_activation_map(classifier, X)))
    np.testing.assert_allclose(odds / odds.sum(axis=1)[:, None], classifier.predict_proba(X), atol=1e-5)
    options = {"filters": (4,), "units": (1,), "strides": (4,), "kernel_sizes": (3,)}
    strided = NetworkClassifier(network="resnet", network_params=options, n_epochs=1).fit(X, y)
    maps = class_activation_map(strided, X)
    np.testing.assert_array_equal(maps[:, :, ::4].repeat(4, axis=2), maps)
    assert np.ptp(maps, axis=2).min() > 0


@pytest.mark.usefixtures("uncompiled")
def test_a_map_lies_where_its_steps_do_whatever_the_length_of_the_others(rng):
    """Of series of 100 steps one of eight is left, which is a map for it and the seven after it."""
    X, y = rng.normal(size=(6, 2, 100)), np.arange(6) % 2
    options = {"filters": (4, 4, 4), "convolutions": 1, "head": "average"}
    classifier = NetworkClassifier(network="vgg", network_params=options, n_epochs=1)
    classifier.fit([case[:, : 100 - 6 * number] for number, case in enumerate(X)], y)
    alone = class_activation_map(classifier, [X[2][:, :88]])
    among = class_activation_map(classifier, [X[0], X[2][:, :88]])
    np.testing.assert_allclose(among[1, :, :88], alone[0], atol=1e-5)
    assert np.isnan(among[1, :, 88:]).all()
    np.testing.assert_array_equal(alone[0][:, ::8].repeat(8, axis=1), alone[0])
    assert np.ptp(alone[0], axis=1).min() > 0


@pytest.mark.usefixtures("uncompiled")
def test_a_map_needs_the_average_head(bumps):
    options = {"filters": (4,), "kernel_sizes": (3,), "head": "max"}
    classifier = NetworkClassifier(network="fcn", network_params=options, n_epochs=1).fit(*bumps)
    with pytest.raises(ValueError, match="must have the average head"):
        class_activation_map(classifier, bumps[0])


@pytest.mark.parametrize("container", [list, np.array])
def test_occlusion_is_what_hidden_steps_were_worth(container, rng):
    X, weights = rng.uniform(0.5, 1, size=(5, 2, 7)), rng.uniform(0.06, 0.07, size=(2, 7))
    weighing = Weighing(weights)
    means = X.mean(axis=(0, 2))[:, None]
    worth = weights * (X - means) * np.where(weighing.predict_proba(X).argmax(axis=1), 1, -1)[:, None, None]
    given = {"background": means[:, 0]}
    np.testing.assert_allclose(occlusion(weighing, container(X), size=1, **given), worth)
    wide = occlusion(weighing, container(X), size=2, stride=1, **given)
    pairs = worth[..., :-1] + worth[..., 1:]
    np.testing.assert_allclose(wide[..., 1:-1], (pairs[..., :-1] + pairs[..., 1:]) / 2)
    np.testing.assert_allclose(wide[..., [0, -1]], pairs[..., [0, -1]])


def test_occlusion_keeps_to_the_class_that_was_predicted():
    """Also where hiding a step makes another class win."""
    X = np.array([[[1.0, 0.0, 1.0]], [[0.0, 0.0, 1.0]]])  # probabilities 0.7 and 0.2 of class 1
    fall = occlusion(Weighing(np.array([[0.5, 0.9, 0.2]])), X, size=1, background=0.5)
    np.testing.assert_allclose(fall, [[[0.25, -0.45, 0.1]], [[0.25, 0.45, -0.1]]])


def test_behind_the_end_of_a_series_nothing_can_be_hidden(rng):
    X = [rng.normal(size=(2, steps)) for steps in (4, 9)]
    means = np.concatenate(X, axis=1).mean(axis=1)[:, None]
    fall = occlusion(Weighing(np.full((2, 9), 0.01)), X, size=3, background=means[:, 0])
    assert np.isnan(fall[0, :, 4:]).all()
    hidden = 0.01 * (X[0] - means)[:, :3].sum(axis=1)  # the first window, of what class 1 gets
    sign = 1 if 0.01 * X[0].sum() > 0.5 else -1
    np.testing.assert_allclose(fall[0, :, :3], np.repeat(sign * hidden[:, None], 3, axis=1))
    np.testing.assert_allclose(fall[0, :, 3], sign * 0.01 * (X[0] - means)[:, 3])
    assert np.isfinite(fall[1]).all()


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("scaling", ["channel", "series", None])
def test_a_series_is_explained_alone_as_among_others(scaling, problem):
    X, y = problem[0] + np.array([[5.0], [-3], [8]]), problem[1]
    options = {"filters": (4,), "kernel_sizes": (5,)}
    classifier = NetworkClassifier(network="fcn", network_params=options, n_epochs=1, scaling=scaling)
    classifier.fit(X, y)
    among = occlusion(classifier, X[:3], size=20)
    alone = np.concatenate([occlusion(classifier, X[case : case + 1], size=20) for case in range(3)])
    np.testing.assert_allclose(among, alone, atol=1e-6)
    zeros = {"channel": X.mean(axis=(0, 2)), "series": X[2].mean(axis=1), None: 0.0}[scaling]
    given = occlusion(classifier, X[2:3], size=20, background=zeros)
    np.testing.assert_allclose(alone[2:3], given, atol=1e-6)
    assert np.abs(occlusion(classifier, X[2:3], size=20, background=40) - given).max() > 1e-3


def test_an_estimator_of_another_package_hides_behind_the_own_mean_of_the_series(rng):
    X, weighing = rng.normal(size=(4, 2, 6)), Weighing(rng.uniform(0.06, 0.07, size=(2, 6)))
    X[1, 0, 2] = 100  # what one series holds is nothing to the others
    among = occlusion(weighing, X, size=2)
    np.testing.assert_allclose(among[:1], occlusion(weighing, X[:1], size=2))
    np.testing.assert_allclose(
        among[:1], occlusion(weighing, X[:1], size=2, background=X[0].mean(axis=1)), atol=1e-12
    )


@pytest.mark.parametrize("background", [np.nan, [1.0, 2.0], "mean of X"])
def test_a_background_is_a_number_or_one_for_each_channel(background, fitted, problem):
    with pytest.raises(ValueError, match=r"`background` must be a finite number, or one for each of 3 chann"):
        occlusion(fitted, problem[0][:2], size=5, background=background)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"size": 0}, r"`size` must be a positive integer\. Received: size=0"),
        ({"size": 2, "stride": 3}, r"must not be above `size`.* Received: size=2, stride=3"),
    ],
)
def test_windows_leave_no_step_out(sizes, message, fitted, problem):
    with pytest.raises(ValueError, match=message):
        occlusion(fitted, problem[0], **sizes)
