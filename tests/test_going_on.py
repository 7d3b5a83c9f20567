"""Training that goes on from earlier training: warm start, part by part, fine-tuning."""

import keras
import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, Recipe
from mlstm_fcn.fitting import members, prepare
from mlstm_fcn.models.transfer import frozen, matching_layers
from tests.quick_fit import SMALL, THREE_BLOCKS, assert_same, differ, fit, weights_of


@pytest.fixture(scope="module")
def data(basic_motions):
    return basic_motions.X_train, basic_motions.y_train


def test_warm_start_goes_on_from_the_last_weights(data):
    classifier = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 20}, learning_rate=0.01, warm_start=True).fit(
        *data
    )
    first = classifier.history_["loss"]
    again = classifier.fit(*data).history_["loss"]
    assert again[0] < 0.7 * first[0]
    after_setting = classifier.set_params(batch_size=10).fit(*data).history_["loss"]
    assert after_setting[0] < 0.7 * first[0]
    classifier.warm_start, classifier.batch_size = False, 8
    assert classifier.fit(*data).history_["loss"] == first


def test_one_more_epoch_is_one_at_the_highest_learning_rate_of_all_members():
    given = {"n_epochs": 9, "learning_rate": 0.3, "n_members": 3, "label_smoothing": 0.2, "batch_size": 4}
    recipe = Recipe(**given, validation_split=0.2, patience=2).for_one_epoch(2)
    assert recipe == Recipe(**given | {"n_epochs": 1, "n_members": 2}, schedule="constant")
    assert Recipe(keep_best=True).for_one_epoch(5) == Recipe(n_epochs=1, schedule="constant")


def test_parts_of_a_training_that_goes_on_draw_anew(data):
    """At a learning rate of next to nothing only the order of cases and dropout change the loss."""
    classifier = MLSTMFCNClassifier(**SMALL, learning_rate=1e-30)
    for _ in range(3):
        classifier.partial_fit(data[0], data[1].reshape(-1, 1))  # one column, as fit takes it
    assert len(set(classifier.history_["loss"])) == 3


def unnamed_layers(input_shape, n_outputs):
    series = keras.Input(input_shape)
    hidden = keras.layers.Dense(4, activation="relu")(keras.layers.GlobalAveragePooling1D()(series))
    return keras.Model(series, keras.layers.Dense(n_outputs, activation="softmax")(hidden))


def frozen_first_layer(input_shape, n_outputs):
    model = unnamed_layers(input_shape, n_outputs)
    model.layers[2].trainable = False
    return model


def test_going_on_takes_over_the_weights_of_layers_without_names(data):
    recipe = Recipe(optimizer=keras.optimizers.SGD(1e-12))
    classifier = NetworkClassifier(network=unnamed_layers, n_epochs=1, recipe=recipe, random_state=0)
    before = [weight.copy() for weight in weights_of(classifier.fit(*data))]
    classifier.random_state = 1
    for old, new in zip(before, weights_of(classifier.partial_fit(*data)), strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)


def half_named(input_shape, n_outputs, activation="softmax", masked=False):
    """With a mask there are more layers, and in another order."""
    series = keras.Input(input_shape)
    mask = keras.Input(input_shape[:1], dtype="bool") if masked else None
    hidden = keras.layers.Conv1D(4, 3, padding="same", activation="relu")(series)
    hidden = keras.layers.Conv1D(4, 3, padding="same", activation="relu")(hidden)
    hidden = keras.layers.GlobalAveragePooling1D()(hidden, mask=mask)
    outputs = keras.layers.Dense(n_outputs, activation=activation, name="head")(hidden)
    return keras.Model([series, mask] if masked else series, outputs)


@pytest.mark.parametrize("goes_on", ["partial_fit", "fine_tune"])
def test_weights_are_taken_over_when_series_come_to_have_different_lengths(goes_on, data):
    recipe = Recipe(optimizer=keras.optimizers.SGD(1e-12))
    classifier = NetworkClassifier(network=half_named, n_epochs=1, recipe=recipe, random_state=0)
    before = [weight.copy() for weight in weights_of(classifier.fit(*data))]
    classifier.random_state = 1
    shorter = [case[:, : 100 - number] for number, case in enumerate(data[0])]
    for old, new in zip(before, weights_of(getattr(classifier, goes_on)(shorter, data[1])), strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)


def test_layers_without_a_counterpart_are_named(data):
    """A function of the user may build something else for another number of labels."""

    def network(input_shape, n_outputs):
        series = keras.Input(input_shape)
        hidden = keras.layers.Conv1D(4, 3, activation="relu", name="shared")(series)
        hidden = keras.layers.GlobalAveragePooling1D()(hidden)
        if n_outputs == 2:
            hidden = keras.layers.Dense(3, name="additional")(hidden)
        return keras.Model(series, keras.layers.Dense(n_outputs, activation="softmax", name="head")(hidden))

    fitted = NetworkClassifier(network=network, n_epochs=1, random_state=0).fit(*data)
    with pytest.warns(
        UserWarning,
        match="These layers have no match in the previous network and start from new weights: additional",
    ):
        fitted.fine_tune(data[0], data[1] == "Running")


def test_what_classes_weigh_may_change(data):
    classifier = fit(data, class_weight=dict.fromkeys(np.unique(data[1]), 1.0))
    tuned = classifier.fine_tune(data[0], data[1] == "Running", class_weight={False: 1.0, True: 3.0})
    assert tuned.classes_.tolist() == [False, True]
    classifier.recipe, classifier.class_weight = Recipe(label_smoothing=0.3), "balanced"
    assert classifier.partial_fit(*data).n_epochs_ == SMALL["n_epochs"] + 1


def test_layers_that_the_user_froze_stay_frozen(data):
    first = NetworkClassifier(network=frozen_first_layer, n_epochs=1, random_state=0).fit(*data)
    longer = NetworkClassifier(network=frozen_first_layer, n_epochs=3, random_state=0).fit(*data)
    np.testing.assert_array_equal(weights_of(first)[0], weights_of(longer)[0])
    assert differ(first, longer)


@pytest.mark.usefixtures("uncompiled")
def test_every_training_that_goes_on_draws_anew_but_holds_back_the_same_cases(data, tmp_path, monkeypatch):
    """Else dropout and the order of batches would repeat, and validation cases would have been trained on."""
    begun, held_back = [], []
    train, split = members.train, prepare._split

    def noted_train(*given, rng, **more):
        begun.append(rng.bit_generator.state)
        train(*given, rng=rng, **more)

    monkeypatch.setattr(members, "train", noted_train)
    monkeypatch.setattr(prepare, "_split", lambda *given: held_back.append(split(*given)) or held_back[-1])
    classifier = fit(data, warm_start=True, validation_split=0.25, random_state=0, n_epochs=1)
    classifier.fit(*data).fit(*data)
    classifier.save(tmp_path / "it.mlstm")
    MLSTMFCNClassifier.load(tmp_path / "it.mlstm").fit(*data).partial_fit(*data)
    assert [begun.count(state) for state in begun] == [1] * 5
    assert len(held_back) == 4
    for chosen, _ in held_back:
        np.testing.assert_array_equal(chosen, held_back[0][0])


def test_layers_match_by_name_before_they_match_by_order():
    def stack(*names):
        layers = [keras.layers.Dense(2, name=name) for name in names]
        return keras.Sequential([keras.Input((2,)), *layers])

    def matched(*networks):
        return [(one.name, other.name) for one, other in matching_layers(*networks)]

    assert matched(stack("a", "b"), stack("b", "a")) == [("b", "b"), ("a", "a")]
    assert matched(stack("a", "b"), stack("c", "d")) == [("a", "c"), ("b", "d")]
    assert matched(stack("a", "b"), stack("b", "c", "d")) == [("b", "b")]


def test_what_was_frozen_before_is_frozen_after():
    network = frozen_first_layer((5, 2), 3)
    with frozen(network, ("dense",)):
        assert not any(layer.trainable for layer in network.layers if layer.weights)
    assert [layer.trainable for layer in network.layers if layer.weights] == [False, True]


def test_warm_start_needs_the_same_labels(data):
    classifier = fit(data, warm_start=True)
    with pytest.raises(ValueError, match="With `warm_start` the labels must be those of the last fit"):
        classifier.fit(data[0], np.roll(np.where(data[1] == "Running", "Flying", data[1]), 1))


@pytest.mark.parametrize("saved", [False, True], ids=["fitted", "loaded"])
def test_training_that_goes_on_refuses_another_network(data, tmp_path, saved):
    classifier = fit(data, warm_start=True)
    if saved:
        classifier.save(tmp_path / "it.mlstm")
        classifier = MLSTMFCNClassifier.load(tmp_path / "it.mlstm")
    classifier.lstm_units, classifier.n_epochs = 3, 1
    for go_on in (classifier.partial_fit, classifier.fit):
        with pytest.raises(ValueError, match=r"cannot change the network.*Received: lstm_units=3$"):
            go_on(*data)
    assert classifier.set_params(lstm_units=8, warm_start=False).fit(*data).n_epochs_ == 1


def test_a_function_that_a_file_could_not_hold_may_be_given_again(data, tmp_path):
    fitted = NetworkClassifier(network=unnamed_layers, n_epochs=1).fit(*data)
    with pytest.warns(UserWarning, match="not the function that made it"):
        fitted.save(tmp_path / "it.keras")
    loaded = NetworkClassifier.load(tmp_path / "it.keras")
    loaded.network = unnamed_layers
    assert len(loaded.partial_fit(*data).history_["loss"]) == 2


class MeanThenDense:
    """A function of the user with a state of its own; a copy of it is another object."""

    def __call__(self, input_shape, n_outputs):
        return unnamed_layers(input_shape, n_outputs)


@pytest.mark.usefixtures("uncompiled")
def test_an_object_as_network_is_the_same_in_training_that_goes_on(data):
    quick = {"n_epochs": 1, "batch_size": 40, "warm_start": True}
    classifier = NetworkClassifier(network=MeanThenDense(), **quick).fit(*data)
    assert len(classifier.fit(*data).partial_fit(*data).history_["loss"]) == 2
    assert classifier.fine_tune(*data).n_epochs_ == 1


@pytest.mark.parametrize("goes_on", ["fit", "partial_fit", "fine_tune"])
def test_cases_count_by_their_weights_in_training_that_goes_on(goes_on, data, monkeypatch):
    seen = []

    def note(network, examples, recipe, *, history, **others):
        history.setdefault("loss", []).append(0.0)
        seen.append(examples.sample_weight)

    monkeypatch.setattr(members, "train", note)
    classifier, weights = fit(data, warm_start=True), np.arange(1, 41)
    getattr(classifier, goes_on)(*data, sample_weight=weights)
    assert [one.tolist() for one in seen] == [[1] * 40, weights.tolist()]


def test_partial_fit_learns_from_one_part_after_another(data, basic_motions):
    X, y = data
    classifier = MLSTMFCNClassifier(**SMALL, learning_rate=0.01)
    for _ in range(7):
        for part in range(2):
            classifier.partial_fit(X[part::2], y[part::2], classes=np.unique(y))
    assert classifier.n_epochs_ == 14
    assert classifier.history_["loss"][-1] < 0.7 * classifier.history_["loss"][0]
    assert classifier.score(basic_motions.X_test, basic_motions.y_test) > 0.8


def test_partial_fit_knows_announced_labels_from_the_start_and_refuses_others(data):
    X, y = data
    announced = np.unique(y)[::-1]
    classifier = MLSTMFCNClassifier(**SMALL).partial_fit(X[:10], y[:10], classes=announced)
    assert len(np.unique(y[:10])) == 1
    assert classifier.classes_.tolist() == np.unique(y).tolist()
    assert classifier.predict_proba(X).shape == (40, 4)
    with pytest.raises(ValueError, match=r"Labels must be among those of fit.*Flying"):
        classifier.partial_fit(X[:2], ["Flying", "Running"])


def test_fine_tuning_takes_over_what_fits_and_leaves_what_is_frozen(data):
    source = fit(data, **THREE_BLOCKS)
    y = np.where(data[1] == "Running", "yes", "no")
    frozen = ("conv", "squeeze_excite")
    tuned = source.fine_tune(data[0], y, freeze=frozen)
    assert tuned.classes_.tolist() == ["no", "yes"]
    assert source.classes_.tolist() == ["Badminton", "Running", "Standing", "Walking"]
    ours, theirs = (model.layers[-1] for model in (source.model_, tuned.model_))
    for layer in theirs.layers:
        for old, new in zip(ours.get_layer(layer.name).get_weights(), layer.get_weights(), strict=True):
            if layer.name.startswith(frozen):
                np.testing.assert_array_equal(old, new)
            elif layer.name == "lstm":
                assert not np.array_equal(old, new)
    assert all(layer.trainable for layer in theirs.layers)


def test_a_new_head_on_frozen_branches_learns_new_labels_from_a_fifth_of_the_data(basic_motions):
    X, y = basic_motions.X_train, basic_motions.y_train
    source = MLSTMFCNClassifier(n_epochs=25, random_state=0).fit(X, y)
    few = np.arange(40) % 5 == 0
    on_foot, test_on_foot = (np.isin(labels, ["Running", "Walking"]) for labels in (y, basic_motions.y_test))
    branches = ("conv", "squeeze_excite", "lstm")
    tuned = source.fine_tune(X[few], on_foot[few], freeze=branches, n_epochs=40, learning_rate=0.05)
    assert tuned.n_epochs_ == 40
    assert tuned.score(basic_motions.X_test, test_on_foot) > 0.9
    assert source.score(basic_motions.X_test, basic_motions.y_test) > 0.9


def test_one_name_to_freeze_needs_no_tuple(data):
    fitted = fit(data)
    assert_same(fitted.fine_tune(*data, freeze="conv"), fitted.fine_tune(*data, freeze=("conv",)))


def test_freezing_what_is_not_there_is_named(data):
    with pytest.raises(ValueError, match=r"`freeze` must hold prefixes of layer names: conv_1.*freeze='gru'"):
        fit(data).fine_tune(*data, freeze=("gru",))


def test_fine_tuning_refuses_what_it_could_not_change(data):
    with pytest.raises(
        ValueError, match=r"cannot change the network.*Received: lstm_units=3, missing='zero'"
    ):
        fit(data).fine_tune(*data, lstm_units=3, missing="zero", n_epochs=1)
