"""Explanations point at what the answer depends on."""

import numpy as np
import pandas as pd
import pytest
from sktime.datatypes import convert_to

from mlstm_fcn import NetworkClassifier
from mlstm_fcn.datasets import synthetic
from mlstm_fcn.explain import (
    attention,
    class_activation_map,
    gates,
    kernel_shares,
    occlusion,
    permutation_importance,
)
from mlstm_fcn.models.pipeline import split
from mlstm_fcn.preprocess import pad


@pytest.fixture(scope="module")
def problem():
    """The class is the frequency of the second of three channels; the others are noise."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 3, 40))
    X[:, 1] = np.sin(np.arange(40) * np.where(y, 1.5, 0.4)[:, None] + rng.uniform(0, 6, size=(60, 1)))
    return X, y


@pytest.fixture(scope="module")
def fitted(problem):
    classifier = NetworkClassifier(
        network="fcn", network_params={"filters": (8, 16, 8)}, n_epochs=30, learning_rate=0.01, random_state=0
    )
    return classifier.fit(*problem)


def test_permuting_the_channel_that_decides_costs_accuracy_and_no_other_does(fitted, problem):
    assert fitted.score(*problem) == 1
    result = permutation_importance(fitted, *problem, n_repeats=4, random_state=0)
    assert result.importances.shape == (3, 4)
    assert result.importances_mean[1] > 0.3
    assert np.abs(result.importances_mean[[0, 2]]).max() < 0.1
    np.testing.assert_allclose(result.importances_std, result.importances.std(axis=1))


def test_series_of_different_lengths_and_other_scores(fitted, problem):
    X, y = problem
    lists = [case[:, : 25 + number % 15] for number, case in enumerate(X)]
    result = permutation_importance(fitted, lists, y, n_repeats=2, scoring="neg_log_loss", random_state=0)
    assert result.importances_mean.argmax() == 1
    padded = pad(lists)
    again = permutation_importance(fitted, padded, y, n_repeats=2, scoring="neg_log_loss", random_state=0)
    np.testing.assert_allclose(result.importances, again.importances, atol=1e-5)


def test_repeats_must_be_positive(fitted, problem):
    with pytest.raises(ValueError, match=r"`n_repeats` must be a positive integer\. Received: n_repeats=0"):
        permutation_importance(fitted, *problem, n_repeats=0)


@pytest.mark.usefixtures("uncompiled")
def test_gates_are_those_of_the_layers_for_every_length(problem):
    X, y = problem
    options = {"filters": (8, 6, 4), "reduction": 2, "dimension_shuffle": False}
    classifier = NetworkClassifier(network="mlstm_fcn", network_params=options, n_epochs=1, random_state=0)
    classifier.fit(X, y)
    together = gates(classifier, [X[0], X[1][:, :25]])
    assert {name: values.shape for name, values in together.items()} == {
        "squeeze_excite_1": (2, 8),
        "squeeze_excite_2": (2, 6),
        "squeeze_excite_3": (2, 4),
    }
    for case, series in enumerate([X[0], X[1][:, :25]]):
        for name, values in gates(classifier, series[None]).items():
            np.testing.assert_allclose(values[0], together[name][case], atol=1e-5)
    assert all(((values > 0) & (values < 1)).all() for values in together.values())
    with pytest.raises(ValueError, match="must have a layer of type SelectiveKernel1D"):
        kernel_shares(classifier, X)


def test_the_gate_of_a_channel_goes_down_where_it_is_noise():
    """Two sensors, of which one, another one in each case, gives strong noise around another level."""
    rng = np.random.default_rng(0)
    cases, y, noisy = np.arange(200), np.arange(200) % 2, rng.integers(0, 2, 200)
    X = rng.normal(scale=0.3, size=(200, 2, 30))
    X[cases, 1 - noisy, 10:20] += np.where(y, 1, -1)[:, None]
    X[cases, noisy] += rng.normal(4, 3, size=(200, 30))
    sizes = {"filters": (16,), "units": (1,), "strides": (1,), "kernel_sizes": (5,), "reduction": 1}
    differences = []
    for seed in range(3):
        classifier = NetworkClassifier(
            network="se_resnet",
            network_params={**sizes, "integration": "pre"},
            n_epochs=30,
            learning_rate=0.01,
            random_state=seed,
        ).fit(X, y)
        (values,) = gates(classifier, X).values()
        differences.append(float((values[cases, 1 - noisy] - values[cases, noisy]).mean()))
    assert np.mean(differences) > 0.1, differences


@pytest.mark.slow
def test_a_larger_pattern_moves_the_shares_to_the_larger_kernels():
    """One network for patterns of both sizes: the mean kernel size that it takes, for each."""
    small, large = (
        synthetic.make("pattern", n_train=200, n_test=100, scale=scale, length=96, random_state=scale)
        for scale in (4, 24)
    )
    X, y = (np.concatenate([getattr(p, part) for p in (small, large)]) for part in ("X_train", "y_train"))
    sizes = {"filters": (16,), "kernel_sizes": (3,), "dilation_rates": (1,), "selective_branches": 4}
    moved = []
    for seed in range(3):
        classifier = NetworkClassifier(
            network="sk_mlstm_fcn",
            network_params={**sizes, "recurrent": None, "reduction": None, "head": "max"},
            n_epochs=30,
            learning_rate=0.01,
            random_state=seed,
        ).fit(X, y)
        of_small, of_large = (
            next(iter(kernel_shares(classifier, p.X_test).values())).mean(axis=(0, 2)) for p in (small, large)
        )
        moved.append(float((of_large - of_small) @ [3, 5, 7, 9]))
    assert np.mean(moved) > 0.2, moved


# Where in a series.


@pytest.fixture(scope="module")
def bumps():
    """The class is the sign of a bump at steps 20 to 24 of the first of two channels."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.normal(scale=0.2, size=(60, 2, 40))
    X[:, 0, 20:25] += np.where(y, 2, -2)[:, None]
    return X, y


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


class Weighing:
    """The probability of class 1 is a weighted sum over one channel and one step after the other."""

    def __init__(self, weights):
        self.weights = weights

    def predict_proba(self, X):
        cases = [np.atleast_2d(case) for case in X]
        ones = np.array([(case * self.weights[:, : case.shape[1]]).sum() for case in cases])
        return np.stack([1 - ones, ones], axis=1)


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


class Noting:
    """Notes the series that it is asked to score."""

    def __init__(self):
        self.seen = []

    def fit(self, X, y):
        return self

    def score(self, X, y):
        self.seen.append(X)
        return 0.0


def test_each_permutation_is_another_and_the_seed_decides_all():
    def seen(seed):
        noting = Noting()
        X = np.arange(16.0).reshape(8, 2, 1)
        permutation_importance(noting, X, np.zeros(8), n_repeats=3, random_state=seed)
        return [series.ravel().tolist() for series in noting.seen]

    assert seen(0) == seen(0) != seen(1)
    assert len({tuple(series) for series in seen(0)}) == 1 + 2 * 3
    assert all(sorted(series) == list(range(16)) for series in seen(0))


def test_a_permuted_channel_goes_on_at_its_last_value_where_the_series_is_longer():
    X = [np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]), np.array([[10.0, 20], [30, 40]])]
    swaps = next(seed for seed in range(9) if np.random.RandomState(seed).permutation(2).tolist() == [1, 0])
    noting = Noting()
    permutation_importance(noting, X, [0, 1], n_repeats=1, random_state=swaps)
    (first, second), *_ = noting.seen[1:]
    assert first.tolist() == [[10, 20, 20, 20], [5, 6, 7, 8]]
    assert second.tolist() == [[1, 2], [30, 40]]


def test_series_of_one_channel_may_have_two_dimensions(rng):
    X, weighing = rng.uniform(0.5, 1, size=(5, 7)), Weighing(rng.uniform(0.06, 0.07, size=(1, 7)))
    expected = occlusion(weighing, X[:, None], size=2)
    assert np.abs(expected).min() > 0
    np.testing.assert_array_equal(occlusion(weighing, X, size=2), expected)


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


def containers(X):
    """The same series in what `predict` takes."""
    frames = [pd.DataFrame(case.T, columns=["a", "b", "c"]) for case in X]
    yield "lists", [case.tolist() for case in X]
    yield "objects", np.array([*X, None], dtype=object)[:-1]
    yield "frames", frames
    yield "channels in another order", [frame[["c", "a", "b"]] for frame in frames]
    for mtype in ("nested_univ", "pd-multiindex"):
        yield mtype, convert_to(frames, mtype, as_scitype="Panel")


@pytest.mark.usefixtures("uncompiled")
def test_all_containers_that_predict_takes_are_explained(problem):
    X, y = problem
    frames = dict(containers(X))["frames"]
    options = {"filters": (4,), "kernel_sizes": (5,)}
    classifier = NetworkClassifier(network="fcn", network_params=options, n_epochs=1).fit(frames, y)
    seed = {"n_repeats": 1, "random_state": 0, "scoring": "neg_log_loss"}
    fall = occlusion(classifier, X[:3], size=20)
    cost = permutation_importance(classifier, X[:9], y[:9], **seed).importances
    assert np.ptp(fall) > 1e-4
    assert np.ptp(cost) > 1e-4
    for name, some in containers(X[:3]):
        np.testing.assert_allclose(occlusion(classifier, some, size=20), fall, atol=1e-6, err_msg=name)
    for name, some in containers(X[:9]):
        found = permutation_importance(classifier, some, y[:9], **seed).importances
        np.testing.assert_allclose(found, cost, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(occlusion(classifier.fitted_, X[:3], size=20), fall, atol=1e-6)


class Reading(Weighing):
    """Reads data frames alone, whose columns have names."""

    def predict_proba(self, X):
        return super().predict_proba([frame[["a", "b", "c"]].to_numpy().T for frame in X])


def test_another_estimator_gets_frames_where_it_had_frames(rng):
    X, weights = rng.uniform(0.5, 1, size=(3, 3, 7)), rng.uniform(0.04, 0.05, size=(3, 7))
    expected = occlusion(Weighing(weights), X, size=2)
    frames = dict(containers(X))["frames"]
    np.testing.assert_allclose(occlusion(Reading(weights), frames, size=2), expected)


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


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize(("shuffle", "steps"), [(True, 3), (False, 40)])
def test_attention_is_over_channels_or_over_time(shuffle, steps, problem):
    X, y = problem
    options = {"filters": (4,), "kernel_sizes": (3,), "dimension_shuffle": shuffle}
    classifier = NetworkClassifier(network="malstm_fcn", network_params=options, n_epochs=1).fit(X, y)
    (weights,) = attention(classifier, X[:4]).values()
    assert weights.shape == (4, steps, steps)
    np.testing.assert_allclose(weights.sum(axis=2), 1, atol=1e-5)
    assert np.ptp(weights, axis=2).min() > 1e-4  # of some steps more than of others
    if not shuffle:
        (weights,) = attention(classifier, [X[0], X[1][:, :25]]).values()
        assert np.abs(weights[1, :25, 25:]).max() == 0
        np.testing.assert_allclose(weights[1, :25].sum(axis=1), 1, atol=1e-5)
