"""Several networks that vote are one classifier: fitted, saved, exported, explained as one."""

import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from mlstm_fcn import Engine, MLSTMFCNClassifier, MLSTMFCNRegressor, NetworkClassifier, Recipe, explain
from mlstm_fcn.fitting import RngSpec
from mlstm_fcn.layers import ConvNorm1D
from mlstm_fcn.models.ensemble import ensemble, members
from mlstm_fcn.models.pipeline import compose, split
from tests.quick_fit import SMALL, THREE_BLOCKS, assert_same, fit


@pytest.fixture(scope="module")
def data(basic_motions):
    return basic_motions.X_train, basic_motions.y_train


@pytest.fixture(scope="module")
def voting(data):
    return fit(data, n_members=3, **THREE_BLOCKS)


def votes(classifier, X):
    """The probabilities of each member, `(members, cases, classes)`."""
    preprocessor, network, _ = split(classifier.model_)
    series = preprocessor(np.swapaxes(X, 1, 2).astype("float32"))
    return np.array([np.asarray(member(series)) for member in members(network)])


def test_probabilities_are_the_mean_of_the_members_and_members_differ(voting, basic_motions):
    X = basic_motions.X_test
    of_members = votes(voting, X)
    assert len(of_members) == 3
    np.testing.assert_allclose(voting.predict_proba(X), of_members.mean(axis=0), atol=1e-6)
    assert np.abs(of_members[0] - of_members[1]).max() > 0.01
    assert np.abs(of_members[1] - of_members[2]).max() > 0.01


def test_the_first_member_is_the_network_that_stands_alone(voting, data):
    _, network, _ = split(voting.model_)
    _, alone, _ = split(fit(data, **THREE_BLOCKS).model_)
    for member, weight in zip(members(network)[0].get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_array_equal(member, weight)


def test_the_same_seed_gives_the_same_ensemble(voting, data):
    assert_same(voting, fit(data, n_members=3, **THREE_BLOCKS))


def test_no_two_members_of_any_fit_share_their_randomness():
    """Whatever the seed, the number of the member and the epochs that it was trained before."""
    seeds, n_members, epochs = range(4), range(4), (0, 1, 2, 30)
    states = {
        str(RngSpec(seed).generator(member, before).bit_generator.state)
        for seed in seeds
        for member in n_members
        for before in epochs
    }
    assert len(states) == 4 * 4 * 4


def test_history_is_the_mean_over_the_members_that_had_the_epoch(data):
    losses = []

    class Losses(keras.callbacks.Callback):
        """Notes them, and stops the second member after its second epoch."""

        def on_train_begin(self, logs=None):
            losses.append([])

        def on_epoch_end(self, epoch, logs=None):
            losses[-1].append(logs["loss"])
            self.model.stop_training = len(losses) == 2 and epoch == 1

        def __deepcopy__(self, memo):
            return self

    voting = fit(data, n_members=3, callbacks=[Losses()])
    assert [len(member) for member in losses] == [3, 2, 3]
    expected = [*np.mean([member[:2] for member in losses], axis=0), np.mean([losses[0][2], losses[2][2]])]
    np.testing.assert_allclose(voting.history_["loss"], expected, rtol=1e-6)
    assert voting.n_epochs_ == 3


def test_members_stop_by_themselves_on_the_same_validation_split(data):
    voting = fit(data, n_members=2, validation_split=0.25, patience=1, n_epochs=30, learning_rate=0.05)
    assert 2 <= voting.n_epochs_ < 30
    losses = voting.history_["val_loss"]
    assert len(losses) == voting.n_epochs_
    assert len(set(losses)) == len(losses)


def test_saved_and_loaded_it_is_one_keras_model(voting, basic_motions, tmp_path):
    voting.save(tmp_path / "vote.keras")
    loaded = MLSTMFCNClassifier.load(tmp_path / "vote.keras")
    X = basic_motions.X_test
    np.testing.assert_array_equal(loaded.predict_proba(X), voting.predict_proba(X))
    plain = keras.saving.load_model(tmp_path / "vote.keras")
    np.testing.assert_allclose(plain(np.swapaxes(X, 1, 2)), voting.predict_proba(X), atol=1e-6)


def test_shorter_series_are_read_by_every_member(voting, basic_motions):
    X = basic_motions.X_test.copy()
    X[:5, :, 70:] = np.nan
    together = voting.predict_proba(X)
    np.testing.assert_allclose(together[5:], voting.predict_proba(basic_motions.X_test)[5:], atol=1e-6)
    alone = voting.predict_proba([X[0, :, :70]])
    np.testing.assert_allclose(alone[0], together[0], atol=1e-5)


@pytest.mark.usefixtures("uncompiled")
def test_the_map_of_an_ensemble_is_the_mean_of_its_members(voting, basic_motions):
    X, fitted = basic_motions.X_test[:2], voting.fitted_
    assert [member.name for member in members(fitted.network)] == ["member_1", "member_2", "member_3"]
    alone = [
        explain.class_activation_map(replace(fitted, keras_model=compose(fitted.preprocessor, member)), X)
        for member in members(fitted.network)
    ]
    assert np.abs(alone[0] - alone[1]).max() > 1e-3
    np.testing.assert_allclose(explain.class_activation_map(voting, X), np.mean(alone, axis=0), atol=1e-5)


def test_explanations_are_of_each_member(voting, basic_motions):
    gates = explain.gates(voting, basic_motions.X_test[:4])
    assert list(gates)[::3] == [f"member_{number}/squeeze_excite_1" for number in (1, 2, 3)]
    assert gates["member_2/squeeze_excite_2"].shape == (4, 16)
    preprocessor, network, _ = split(voting.model_)
    series = preprocessor(np.swapaxes(basic_motions.X_test[:4], 1, 2).astype("float32"))
    for number, member in enumerate(members(network), 1):
        layer = member.get_layer("squeeze_excite_1")
        expected = layer.gates(keras.Model(member.input, layer.input)(series))
        np.testing.assert_allclose(gates[f"member_{number}/squeeze_excite_1"], expected, atol=1e-5)
    assert "3 networks that vote" in voting.model_card()


def conv_rates(member):
    return [layer.dilation_rate for layer in member.layers if isinstance(layer, ConvNorm1D)]


@pytest.mark.usefixtures("uncompiled")
def test_members_may_differ_in_what_they_see(data, basic_motions, tmp_path):
    """They take the options in turn, read shorter series, and are saved and tuned with them."""
    kinds = ({}, {"first_differences": True}, {"dilation_scales": 2, "dilation_rates": 1.0})
    quick = {"n_epochs": 1, "batch_size": 40}
    voting = fit(data, n_members=4, member_options=kinds, **quick, **THREE_BLOCKS)
    _, network, _ = split(voting.model_)
    plain, differing, scaled, again = members(network)
    assert conv_rates(plain) == conv_rates(again) == conv_rates(differing) == [2, 4, 8]
    assert conv_rates(scaled) == [(4, 2), (8, 4), (16, 8)]
    assert [layer.name for layer in differing.layers if "difference" in layer.name] == ["conv_differences"]
    assert [options.get("dilation_scales", 1) for options in voting.network_options_] == [1, 1, 2, 1]
    X = [case[:, :70] for case in basic_motions.X_test]
    together = voting.predict_proba(X)
    voting.save(tmp_path / "vote.keras")
    loaded = MLSTMFCNClassifier.load(tmp_path / "vote.keras")
    np.testing.assert_array_equal(loaded.predict_proba(X), together)
    tuned = loaded.fine_tune(X, basic_motions.y_test, n_epochs=1)
    assert tuned.network_options_ == voting.network_options_
    assert [conv_rates(member) for member in members(split(tuned.model_)[1])] == [
        conv_rates(member) for member in members(network)
    ]


def test_the_ensemble_recipe_sees_series_in_three_ways(data):
    ensemble_of = Recipe.named("ensemble")
    options = [MLSTMFCNClassifier().network_spec().resolved(ensemble_of, member, 100) for member in range(5)]
    seen = [(each.get("first_differences", False), each.get("dilation_scales", 1)) for each in options]
    assert seen == [(False, 1), (True, 1), (False, 3), (False, 1), (True, 1)]
    own = MLSTMFCNClassifier(first_differences=False, dilation_scales=1).network_spec()
    options = [own.resolved(ensemble_of, member, 100) for member in range(3)]
    assert [(each["first_differences"], each["dilation_scales"]) for each in options] == [(False, 1)] * 3
    for network in ("resnet", "sk_mlstm_fcn"):  # which have no such options, or scales of their own
        other = NetworkClassifier(network=network).network_spec()
        assert "dilation_scales" not in other.resolved(ensemble_of, 2, 100)


def test_what_members_are_given_goes_before_what_the_network_has():
    recipe = Recipe(n_members=2, member_options=({}, {"dilation_scales": 2}))
    own = MLSTMFCNClassifier(dilation_scales=3)
    of_any = NetworkClassifier(network="fcn", network_params={"dilation_scales": 3})
    for spec in (own.network_spec(), of_any.network_spec()):
        assert [spec.resolved(recipe, member, 100)["dilation_scales"] for member in (0, 1)] == [3, 2]


@pytest.mark.usefixtures("uncompiled")
def test_a_member_that_needs_one_length_gives_it_to_all_and_gates_are_of_those_that_have_them(data, motions):
    kinds = ({"recurrent": None, "reduction": None}, {})
    quick = {"n_epochs": 1, "batch_size": 40}
    voting = fit(data, n_members=2, member_options=kinds, **quick, **THREE_BLOCKS)
    assert voting.model_.input_shape == (None, 100, 6)
    assert {name.partition("/")[0] for name in explain.gates(voting, motions.X_test[:2])} == {"member_2"}


@pytest.mark.usefixtures("uncompiled")
def test_what_is_frozen_may_be_in_some_members_only(data):
    quick = {"n_epochs": 1, "batch_size": 40, **THREE_BLOCKS}
    voting = fit(data, n_members=2, member_options=({}, {"first_differences": True}), **quick)
    tuned = voting.fine_tune(*data, freeze=("conv", "squeeze_excite"), n_epochs=1, learning_rate=0.1)
    for before, after in zip(*(members(split(each.model_)[1]) for each in (voting, tuned)), strict=True):
        for layer in filter(lambda layer: layer.get_weights(), before.layers):
            now = after.get_layer(layer.name).get_weights()
            same = all(map(np.array_equal, layer.get_weights(), now))
            assert same == layer.name.startswith(("conv", "squeeze_excite")), layer.name
    voting.fine_tune(*data, freeze=("conv_differences",), n_epochs=1)  # of the second member
    with pytest.raises(ValueError, match="`freeze` must hold prefixes of layer names"):
        voting.fine_tune(*data, freeze=("dense",), n_epochs=1)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({"dilation_scales": 2}, "`member_options` must be a list or tuple of dictionaries"),
        ((3,), "`member_options` must be a list or tuple of dictionaries"),
        (({"dilation_scale": 2},), "Did you mean 'dilation_scales'"),
    ],
)
def test_what_are_no_options_of_members_is_named(data, kinds, message):
    with pytest.raises(ValueError, match=message):
        fit(data, n_members=2, member_options=kinds)


def test_every_member_goes_on_where_it_was(data, basic_motions):
    classifier = fit(data, n_members=2, n_epochs=2, learning_rate=1e-4)
    before = votes(classifier, basic_motions.X_test)
    classifier.partial_fit(*data)
    assert classifier.n_epochs_ == 3
    after = votes(classifier, basic_motions.X_test)
    assert before.shape == after.shape
    for old, new in zip(before, after, strict=True):
        assert 0 < np.abs(old - new).max() < 0.2
    tuned = classifier.fine_tune(*data, freeze=["conv", "lstm", "squeeze"], n_epochs=1)
    for old, new in zip(members(split(classifier.model_)[1]), members(split(tuned.model_)[1]), strict=True):
        kernels = (network.get_layer("conv_1").get_weights()[0] for network in (old, new))
        np.testing.assert_array_equal(*kernels)


def test_an_interrupt_leaves_the_members_that_are_whole(data, basic_motions):
    class Interrupt(keras.callbacks.Callback):
        """Ctrl-C in the second member."""

        begun = 0

        def on_train_begin(self, logs=None):
            Interrupt.begun += 1

        def on_epoch_end(self, epoch, logs=None):
            if Interrupt.begun == 2 and epoch == 1:
                raise KeyboardInterrupt

    classifier = MLSTMFCNClassifier(**SMALL, n_members=3, callbacks=[Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(*data)
    (left,) = members(split(classifier.model_)[1])
    for weight, alone in zip(left.get_weights(), split(fit(data).model_)[1].get_weights(), strict=True):
        np.testing.assert_array_equal(weight, alone)
    for steps in (100, 60):
        assert classifier.predict(basic_motions.X_test[:, :, :steps]).shape == (40,)
    assert classifier.set_params(callbacks=None).n_members == 3


def test_a_training_that_goes_on_takes_no_members_from_nowhere(data):
    classifier = fit(data, n_members=2, n_epochs=1)
    assert len(members(split(classifier.fine_tune(*data, n_members=1).model_)[1])) == 1
    with pytest.raises(
        ValueError, match=r"cannot have more members than before\. Received: n_members=3, before=2"
    ):
        classifier.fine_tune(*data, n_members=3)


def test_series_of_different_lengths_and_one_file(data, tmp_path):
    X = [case[:, : 50 + number] for number, case in enumerate(data[0])]
    voting = fit((X, data[1]), n_members=2)
    voting.save(tmp_path / "vote.keras")
    loaded = MLSTMFCNClassifier.load(tmp_path / "vote.keras")
    np.testing.assert_array_equal(loaded.predict_proba(X), voting.predict_proba(X))
    alone = voting.predict_proba([X[0]])
    np.testing.assert_allclose(alone[0], voting.predict_proba(X)[0], atol=1e-5)


SCRIPT = """
import os, signal, sys
import keras
from mlstm_fcn import Engine, MLSTMFCNClassifier, datasets
from tests.quick_fit import SMALL

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1 and os.path.exists(sys.argv[1] + ".2"):
            os.kill(os.getpid(), signal.SIGKILL)

motions = datasets.load("BasicMotions")
options = {"engine": Engine(precision="float32"), "checkpoint": sys.argv[1], "callbacks": [Kill()]}
classifier = MLSTMFCNClassifier(**SMALL, **options, n_members=2)
classifier.fit(motions.X_train, motions.y_train)
"""


@pytest.mark.slow
def test_a_killed_fit_goes_on_and_ends_as_if_it_had_not_been(data, tmp_path):
    """It is killed in the second member, whose first epoch is in its own file."""
    path = tmp_path / "state"
    ended = subprocess.run([sys.executable, "-c", SCRIPT, str(path)], timeout=300, check=False)
    assert ended.returncode == -9
    assert {file.name for file in tmp_path.iterdir()} == {"state", "state.2"}
    options = {"n_members": 2, "engine": Engine(precision="float32")}  # other roundings in another process
    again, whole = fit(data, **options, checkpoint=path), fit(data, **options)
    np.testing.assert_allclose(again.predict_proba(data[0]), whole.predict_proba(data[0]), atol=1e-6)
    assert list(tmp_path.iterdir()) == []


def test_a_state_of_other_members_that_is_left_over_is_named_before_anything_is_trained(data, tmp_path):
    (tmp_path / "state.2").write_bytes(b"of another fit")
    with pytest.raises(ValueError, match="state is missing, but checkpoints of other members exist"):
        fit(data, n_members=2, checkpoint=tmp_path / "state")


def test_a_regressor_gives_the_mean_in_the_units_of_the_data(rng):
    X, y = rng.normal(size=(20, 2, 30)), 100 + 10 * rng.normal(size=20)
    regressor = MLSTMFCNRegressor(**SMALL, n_members=2).fit(X, y)
    expected = y.mean() + y.std() * votes(regressor, X).mean(axis=0)[:, 0]
    np.testing.assert_allclose(regressor.predict(X), expected, rtol=1e-5)
    alone = MLSTMFCNRegressor(**SMALL).fit(X, y)
    assert not np.allclose(regressor.predict(X), alone.predict(X))


@pytest.mark.usefixtures("uncompiled")
def test_the_recipe_of_that_name_has_several_members(data):
    for given, expected in (({}, 5), ({"n_members": 2}, 2)):
        voting = fit(data, recipe="ensemble", n_epochs=1, batch_size=40, **given)
        assert len(members(split(voting.model_)[1])) == expected


def test_a_network_alone_is_its_own_ensemble():
    network = keras.Sequential([keras.Input((5, 2)), keras.layers.Flatten(), keras.layers.Dense(2)])
    assert ensemble([network]) is network
    assert members(network) == [network]


def test_a_number_of_members_that_is_none_is_named(data):
    with pytest.raises(ValueError, match="`n_members` must be a positive integer"):
        fit(data, n_members=0)
