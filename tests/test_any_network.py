"""The same estimator with any network of the table, or the user's."""

import keras
import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, Recipe, datasets
from tests.own_networks import mean_then_dense, plain, sequential
from tests.small_networks import networks, small_options

QUICK = {"n_epochs": 2, "batch_size": 8, "random_state": 0}


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("name", networks())
def test_every_name_trains_on_series_of_different_lengths(name, tmp_path):
    vowels = datasets.load("JapaneseVowels")
    X, y = vowels.X_train[::27], vowels.y_train[::27]
    options = {**QUICK, "n_epochs": 1, "batch_size": 5}
    classifier = NetworkClassifier(
        network=name, network_params=small_options(name), on_longer="cut", **options
    )
    classifier.fit(X, y)
    together = classifier.predict_proba(X)
    for case in (0, 3, 9):
        np.testing.assert_allclose(classifier.predict_proba([X[case]])[0], together[case], atol=1e-5)
    classifier.save(tmp_path / "it.mlstm")
    loaded = NetworkClassifier.load(tmp_path / "it.mlstm")
    np.testing.assert_array_equal(loaded.predict_proba(X), together)


def test_the_named_estimator_is_the_general_one(basic_motions):
    general = NetworkClassifier(network="malstm_fcn", network_params={"lstm_units": 4}, **QUICK)
    named = MLSTMFCNClassifier(attention=True, lstm_units=4, **QUICK)
    X, y = basic_motions.X_train, basic_motions.y_train
    np.testing.assert_array_equal(general.fit(X, y).predict_proba(X), named.fit(X, y).predict_proba(X))


def test_a_function_of_the_user(basic_motions):
    classifier = NetworkClassifier(network=mean_then_dense, network_params={"units": 7}, **QUICK)
    classifier.fit(basic_motions.X_train, basic_motions.y_train)
    assert classifier.model_.layers[-1].layers[-2].units == 7
    mixed = [basic_motions.X_test[0], basic_motions.X_test[1, :, :50]]
    alone = [classifier.predict_proba([case])[0] for case in mixed]
    np.testing.assert_allclose(classifier.predict_proba(mixed), alone, atol=1e-6)


def sequential_within(input_shape, n_outputs):
    series = keras.Input(input_shape)
    return keras.Model(series, sequential(input_shape, n_outputs)(series))


@pytest.mark.parametrize("network", [sequential, sequential_within])
@pytest.mark.parametrize("callbacks", [None, [keras.callbacks.TerminateOnNaN()]], ids=["", "callback"])
def test_a_sequential_network(network, callbacks, basic_motions, tmp_path):
    X, y = basic_motions.X_train, basic_motions.y_train
    classifier = NetworkClassifier(network=network, callbacks=callbacks, **QUICK).fit(X, y)
    probabilities = classifier.predict_proba(X)
    assert np.ptp(probabilities) > 0.01
    classifier.callbacks = None
    with pytest.warns(UserWarning, match="not the function that made it"):
        classifier.save(tmp_path / "it.keras")
    np.testing.assert_array_equal(
        NetworkClassifier.load(tmp_path / "it.keras").predict_proba(X), probabilities
    )


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            lambda shape, n_outputs: None,
            "a function that returns a `keras.Model`. Received: returned='NoneType'",
        ),
        (
            lambda shape, n_outputs: plain(shape, n_outputs + 1),
            r"one output of shape \(cases, 4\).*\(None, 5\)",
        ),
        (
            lambda shape, n_outputs: plain(shape[::-1], n_outputs),
            r"\(time, channels\) = \(100, 6\).*None, 6, 100",
        ),
    ],
    ids=["nothing", "outputs", "inputs"],
)
def test_a_function_that_gives_no_fitting_network_is_told_so(network, message, basic_motions):
    with pytest.raises(ValueError, match=message):
        NetworkClassifier(network=network, **QUICK).fit(basic_motions.X_train, basic_motions.y_train)


def test_saved_without_its_function_it_still_predicts_series_of_the_length_it_knows(basic_motions, tmp_path):
    X, y = basic_motions.X_train, basic_motions.y_train
    classifier = NetworkClassifier(network=mean_then_dense, **QUICK).fit(X, y)
    with pytest.warns(UserWarning, match="not the function that made it"):
        classifier.save(tmp_path / "it.keras")
    loaded = NetworkClassifier.load(tmp_path / "it.keras")
    np.testing.assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    with pytest.raises(ValueError, match="require the function that made the network: set `network` to it"):
        loaded.predict(X[:, :, :50])


def test_a_function_without_a_mask_takes_series_of_one_length_only(basic_motions):
    X, y = basic_motions.X_train, basic_motions.y_train
    classifier = NetworkClassifier(network=plain, **QUICK).fit(X, y)
    assert classifier.predict(X).shape == (40,)
    with pytest.raises(ValueError, match="without a parameter `masked` requires series of one length"):
        classifier.predict(X[:, :, :50])


def test_the_default_recipe_reaches_networks_as_far_as_they_have_its_options(basic_motions):
    X, y = basic_motions.X_train, basic_motions.y_train
    classifier = NetworkClassifier(network="mlstm_fcn", recipe="paper", **QUICK).fit(X, y)
    names = [layer.name for layer in classifier.model_.layers[-1].layers]
    assert "squeeze_excite_2" in names
    assert "squeeze_excite_3" not in names


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"network": "mlstm"}, "Did you mean 'mlstm_fcn'"),
        ({"network_params": {"unit": 3}}, "`option` must be one of"),
    ],
)
def test_unknown_names_get_the_nearest(parameters, message, basic_motions):
    with pytest.raises(ValueError, match=message):
        NetworkClassifier(**parameters).fit(basic_motions.X_train, basic_motions.y_train)


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("head", [pytest.param("max", marks=pytest.mark.slow), "flatten"])
@pytest.mark.parametrize("network", networks())
def test_a_network_for_one_length_predicts_shorter_series_too(network, head):
    """By a twin that reads a mask: it has the same weights, whatever the order of its layers."""
    options = small_options(network, head=head)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, 3, 20)), np.arange(8) % 2
    classifier = NetworkClassifier(network=network, network_params=options, n_epochs=1, random_state=0)
    classifier.fit(X, y)
    alone = classifier.predict_proba(X[:1])
    together = classifier.predict_proba([X[0], X[1][:, :11]])
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)


def test_the_paper_recipe_places_squeeze_and_excitation_in_its_own_network_only():
    paper = Recipe.named("paper")
    options = {
        network: NetworkClassifier(network=network).network_spec().merged(paper).get("se_blocks")
        for network in ("mlstm_fcn", "se_resnet", "se_inception", "se_vgg", "efficientnet")
    }
    assert options == {**dict.fromkeys(options, None), "mlstm_fcn": (1, 2)}
    short = {"filters": (8,), "kernel_sizes": (3,)}
    one = NetworkClassifier(network="mlstm_fcn", network_params=short)
    assert one.network_spec().merged(paper)["se_blocks"] == (1,)
