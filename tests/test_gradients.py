"""Gradients explain every network: they are derivatives, they add up, and they depend on what was learnt."""

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, NetworkRegressor, datasets, explain, models
from mlstm_fcn.explain import gradients, integrated_gradients, occlusion
from mlstm_fcn.fitting import Classification, FittedNetwork, InputPolicy, NetworkSpec
from mlstm_fcn.models.ensemble import ensemble
from mlstm_fcn.models.pipeline import compose
from tests.bumps import bumps
from tests.quick_fit import SMALL
from tests.small_networks import networks, small_options

LABELS = np.array(["a", "b", "c"])
STEPS, CHANNELS = 24, 2


@pytest.fixture(scope="module")
def series():
    return np.random.default_rng(0).normal(3, 2, size=(4, CHANNELS, STEPS))


def untrained(made, series, **policy):
    """Weights decide nothing here: a network as a fit would leave it, without the fit."""
    inputs = InputPolicy(**policy)
    model = compose(inputs.preprocessor(series.swapaxes(1, 2).astype("float32")), made)
    return FittedNetwork(model, NetworkSpec("fcn"), ({},), Classification(LABELS), inputs)


def built(name, seed=0):
    """With weights that make something of every layer, batch normalisation included."""
    made = models.build(name, (STEPS, CHANNELS), len(LABELS), **small_options(name))
    rng = np.random.default_rng(seed)
    made.set_weights(
        [weight + rng.normal(scale=0.1, size=weight.shape) ** 2 for weight in made.get_weights()]
    )
    return made


def odds(fitted, X, one, other):
    """The logit of a class minus that of another, by probabilities alone."""
    likely = np.log(fitted.predict_proba(X))
    return likely[:, one] - likely[:, other]


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("name", networks())
def test_integrated_gradients_add_up_to_the_difference_of_logits(name, series):
    """Completeness, for every network: within 3 % with 40 steps; of MiniRocket's steep ramps with 1500."""
    series, n_steps = (series[:1], 1500) if name == "multirocket" else (series, 40)
    fitted = untrained(built(name), series)
    background = np.broadcast_to(series.mean(axis=(0, 2))[:, None], series.shape)
    expected = odds(fitted, series, 0, 2) - odds(fitted, background, 0, 2)
    found = [integrated_gradients(fitted, series, label=label, n_steps=n_steps) for label in ("a", "c")]
    received = (found[0] - found[1]).sum(axis=(1, 2))
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(received, expected, atol=0.03 * np.abs(expected).max())


def linear(seed=0):
    series = keras.Input((STEPS, CHANNELS))
    layer = keras.layers.Dense(
        3, activation="softmax", kernel_initializer=keras.initializers.RandomNormal(seed=seed)
    )
    return keras.Model(series, layer(keras.layers.Flatten()(series)))


@pytest.mark.usefixtures("uncompiled")
def test_of_a_linear_network_one_step_is_exact(series):
    """The gradient is the kernel, and each value adds its product with it."""
    made = linear()
    fitted = untrained(made, series)
    kernel = made.layers[-1].get_weights()[0].reshape(STEPS, CHANNELS, 3)
    standardized = np.asarray(fitted.preprocessor(series.swapaxes(1, 2).astype("float32")))
    for number, label in enumerate(LABELS):
        slope = np.broadcast_to(kernel[..., number].T, series.shape)
        np.testing.assert_allclose(gradients(fitted, series, label=label), slope, rtol=1e-5)
        found = integrated_gradients(fitted, series, label=label, n_steps=1)
        np.testing.assert_allclose(found, slope * standardized.swapaxes(1, 2), rtol=1e-4, atol=1e-6)
    chosen = fitted.predict_proba(series).argmax(axis=1)
    of_predicted = np.stack([kernel[..., number].T for number in chosen])
    np.testing.assert_allclose(gradients(fitted, series), of_predicted, rtol=1e-5)


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("shares", [None, (0.75, 0.25)])
def test_a_vote_is_explained_by_its_members_as_they_vote(series, shares):
    both = [linear(seed) for seed in (1, 2)]
    each = [gradients(untrained(one, series), series, label="b") for one in both]
    together = gradients(untrained(ensemble(both, shares), series), series, label="b")
    np.testing.assert_allclose(together, np.average(each, axis=0, weights=shares), rtol=1e-4)


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("last", ["softmax layer", "activation", "neither"])
def test_networks_that_end_in_another_way(last, series):
    inputs = keras.Input((STEPS, CHANNELS))
    kernel = keras.initializers.RandomNormal(seed=3)
    logits = keras.layers.Dense(3, kernel_initializer=kernel)(keras.layers.Flatten()(inputs))
    outputs = {
        "softmax layer": lambda: keras.layers.Softmax()(logits),
        "activation": lambda: keras.layers.Activation("softmax")(logits),
        "neither": lambda: keras.layers.Average()([keras.ops.softmax(logits), keras.ops.softmax(logits)]),
    }[last]()
    fitted = untrained(keras.Model(inputs, outputs), series)
    found = [integrated_gradients(fitted, series, label=label) for label in ("a", "c")]
    background = np.broadcast_to(series.mean(axis=(0, 2))[:, None], series.shape)
    expected = odds(fitted, series, 0, 2) - odds(fitted, background, 0, 2)
    np.testing.assert_allclose((found[0] - found[1]).sum(axis=(1, 2)), expected, rtol=1e-3)


# What was learnt.


@pytest.fixture(scope="module")
def planted():
    return bumps(60, 3, noise=0.5)


@pytest.fixture(scope="module")
def learnt(planted):
    options = {**SMALL, "filters": (8, 8), "kernel_sizes": (3, 3), "dilation_rates": (1, 1)}
    return MLSTMFCNClassifier(**{**options, "n_epochs": 20}, learning_rate=0.01).fit(*planted)


METHODS = {
    "gradients": gradients,
    "integrated_gradients": lambda fitted, X: integrated_gradients(fitted, X, n_steps=16),
    "occlusion": lambda fitted, X: occlusion(fitted, X, size=5),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_planted_segment_of_a_planted_channel_stands_out(name, learnt, planted):
    """By ten times as much as elsewhere; gradients alone, which look at no values, by half as much again."""
    X, _ = planted
    found = np.abs(METHODS[name](learnt, X[:20])).mean(axis=0)
    inside, margin = found[0, 20:25].mean(), 1.5 if name == "gradients" else 10
    for elsewhere in (np.delete(found[0], np.arange(16, 29)), found[1:]):
        assert inside > margin * elsewhere.mean()


@pytest.mark.parametrize("name", METHODS)
def test_with_random_weights_the_explanation_is_another_one(name, learnt, planted):
    """The sanity check of Adebayo et al., arXiv 1810.03292: what ignores the weights explains nothing."""
    X, _ = planted
    fitted = learnt.fitted_
    twin = keras.models.clone_model(fitted.keras_model)
    rng, weights = np.random.default_rng(0), fitted.keras_model.get_weights()
    before = METHODS[name](fitted, X[:20])
    twin.set_weights([rng.permutation(one.ravel()).reshape(one.shape) for one in weights])
    random = FittedNetwork(twin, *(getattr(fitted, field) for field in ("spec", "options", "task", "inputs")))
    after = METHODS[name](random, X[:20])
    assert spearmanr(before.ravel(), METHODS[name](fitted, X[:20]).ravel()).statistic > 0.999
    assert abs(spearmanr(before.ravel(), after.ravel()).statistic) < 0.3


def logits_without(fitted, X, values, share):
    """The mean logit of the answer, against the mean of the classes, without the largest values."""
    means = fitted.fitted_.preprocessor.get_layer("scaling").mean
    cases = []
    for case, value in zip(X, values, strict=True):
        value = value[:, : case.shape[1]]
        hidden = value >= np.quantile(value, 1 - share)
        cases.append(np.where(hidden, np.reshape(means, (-1, 1)), case))
    chosen = fitted.predict_proba(X).argmax(axis=1)
    likely = np.log(np.maximum(fitted.predict_proba(cases), 1e-12))
    return float((likely[np.arange(len(X)), chosen] - likely.mean(axis=1)).mean())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["BasicMotions", "JapaneseVowels"])
def test_without_what_is_explained_the_answer_falls_faster(name):
    """Deletion curves (Petsiuk et al., arXiv 1806.07421): without the tenth, the fifth and the third of the
    values that add most, the logit is lower than without random ones, by a third of what it was or more."""
    problem = datasets.load(name)
    options = {"filters": (16, 32, 16), "n_epochs": 30, "random_state": 0, "on_longer": "cut"}
    fitted = MLSTMFCNClassifier(**options).fit(problem.X_train, problem.y_train)
    X, rng = list(problem.X_test[::4]), np.random.default_rng(0)
    values = integrated_gradients(fitted, X, n_steps=32)
    X = [case[:, : values.shape[2]] for case in X]
    random = rng.normal(size=values.shape)
    whole = logits_without(fitted, X, random, 0.0)
    for share in (0.1, 0.2, 0.33):
        left, by_chance = (logits_without(fitted, X, one, share) for one in (values, random))
        assert left < by_chance - whole / 3


def test_a_regressor_is_explained_in_the_unit_of_its_targets(series):
    """Completeness again, against its predictions."""
    y = 100 + 50 * series[:, 0].mean(axis=1)
    options = {"filters": (8,), "kernel_sizes": (5,)}
    regressor = NetworkRegressor(network="fcn", network_params=options, n_epochs=3, random_state=0)
    regressor.fit(series, y)
    background = np.broadcast_to(series.mean(axis=(0, 2))[:, None], series.shape)
    expected = regressor.predict(series) - regressor.predict(background)
    found = integrated_gradients(regressor, series, n_steps=200).sum(axis=(1, 2))
    np.testing.assert_allclose(found, expected, atol=0.03 * np.abs(expected).max())


# Containers.


@pytest.fixture(scope="module")
def named(planted):
    X, y = planted
    frames = [pd.DataFrame(case[:, :30].T, columns=["x", "y", "z"]) for case in X]
    return NetworkClassifier(
        network="mlstm_fcn",
        network_params=small_options("mlstm_fcn", filters=(4,), kernel_sizes=(3,), recurrent=None),
        n_epochs=1,
        batch_size=16,
        random_state=0,
    ).fit(frames, y)


def multi_index(X):
    index = pd.MultiIndex.from_product([range(len(X)), range(X.shape[2])], names=["case", "time"])
    return pd.DataFrame(np.concatenate([case.T for case in X]), index, columns=["x", "y", "z"])


CONTAINERS = {
    "list of arrays": list,
    "list of lists": lambda X: X.tolist(),
    "frames": lambda X: [pd.DataFrame(case.T, columns=["x", "y", "z"]) for case in X],
    "frames with channels in another order": lambda X: [
        pd.DataFrame(case.T, columns=["x", "y", "z"])[["z", "x", "y"]] for case in X
    ],
    "one frame of cases and times": multi_index,
    "nested frame": lambda X: pd.DataFrame(
        {name: [pd.Series(case[number]) for case in X] for number, name in enumerate("xyz")}
    ),
    "object array": lambda X: np.array([*X, None], dtype=object)[:-1],
}
EXPLANATIONS = {
    "gradients": gradients,
    "integrated_gradients": lambda fitted, X: integrated_gradients(fitted, X, n_steps=2),
    "occlusion": lambda fitted, X: occlusion(fitted, X, size=10),
    "class_activation_map": explain.class_activation_map,
    "gates": lambda fitted, X: next(iter(explain.gates(fitted, X).values())),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_explanation_takes_what_predict_takes(container, named, planted):
    X = planted[0][:3, :, :30]
    given = CONTAINERS[container](X)
    np.testing.assert_array_equal(named.predict(given), named.predict(X))
    for name, method in EXPLANATIONS.items():
        np.testing.assert_allclose(method(named, given), method(named, X), atol=1e-5, err_msg=name)


def test_a_shorter_series_gets_the_same_alone_and_among_others(named, planted):
    X = planted[0]
    among = integrated_gradients(named, [X[0][:, :30], X[1][:, :20]], n_steps=4)
    alone = integrated_gradients(named, [X[1][:, :20]], n_steps=4)
    assert among.shape == (2, 3, 30)
    assert alone.shape == (1, 3, 20)
    np.testing.assert_allclose(among[1, :, :20], alone[0], atol=1e-5)
    assert np.isnan(among[1, :, 20:]).all()


def test_missing_values_are_explained_as_the_network_reads_them(named, planted):
    X = planted[0][:2, :, :30].copy()
    X[0, 1, 5:8] = np.nan
    assert np.isfinite(integrated_gradients(named, X, n_steps=2)).all()


def test_wrong_arguments_are_refused(named, planted):
    X = planted[0][:2, :, :30]
    with pytest.raises(ValueError, match=r"`label` must be one of the classes.*label='up'"):
        gradients(named, X, label="up")
    with pytest.raises(ValueError, match="`n_steps` must be a positive integer"):
        integrated_gradients(named, X, n_steps=0)
    with pytest.raises(ValueError, match="has not been fitted"):
        gradients(MLSTMFCNClassifier(), X)
