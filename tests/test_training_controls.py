"""Each control of training does what its documentation says, on real data."""

import copy

import keras
import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier

SMALL = {"filters": (8, 16, 8), "reduction": 4, "n_epochs": 3, "batch_size": 8, "random_state": 0}


@pytest.fixture(scope="module")
def data(basic_motions):
    return basic_motions.X_train, basic_motions.y_train


def fit(data, *arguments, **parameters):
    return MLSTMFCNClassifier(**{**SMALL, **parameters}).fit(*data, *arguments)


def weights_of(classifier):
    return classifier.model_.get_weights()


def assert_same(one, other):
    for first, second in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_array_equal(first, second)


def differ(one, other):
    return any(not np.array_equal(a, b) for a, b in zip(weights_of(one), weights_of(other), strict=True))


# Optimizer, schedule, loss.


def test_an_optimizer_by_name_or_as_an_object_trains_the_same(data):
    named = fit(data, optimizer="sgd", learning_rate=0.05, schedule="constant")
    assert_same(named, fit(data, optimizer=keras.optimizers.SGD(0.05)))
    assert differ(named, fit(data, optimizer=keras.optimizers.SGD(0.01)))


def test_an_optimizer_object_is_left_untouched_and_serves_again(data):
    optimizer = keras.optimizers.Adam(0.01)
    classifier = MLSTMFCNClassifier(**SMALL, optimizer=optimizer)
    first = copy.deepcopy(weights_of(classifier.fit(*data)))
    assert not optimizer.built
    for before, after in zip(first, weights_of(classifier.fit(*data)), strict=True):
        np.testing.assert_array_equal(before, after)
    assert classifier.optimizer is optimizer


def test_a_keras_schedule_inside_an_optimizer_is_followed(data):
    falling = keras.optimizers.schedules.ExponentialDecay(0.05, decay_steps=1, decay_rate=0.1)
    assert differ(
        fit(data, optimizer=keras.optimizers.SGD(falling)), fit(data, optimizer=keras.optimizers.SGD(0.05))
    )


def test_a_loss_by_name_or_as_an_object(data):
    named = fit(data, loss="categorical_focal_crossentropy")
    assert_same(named, fit(data, loss=keras.losses.CategoricalFocalCrossentropy()))
    assert differ(named, fit(data))


def test_an_optimizer_with_a_schedule_of_its_own_takes_no_second_one(data):
    falling = keras.optimizers.schedules.ExponentialDecay(0.05, decay_steps=1, decay_rate=0.1)
    with pytest.raises(ValueError, match="schedule of its own needs `schedule='constant'` or None"):
        fit(data, optimizer=keras.optimizers.SGD(falling), schedule="cosine")
    flat = fit(data, optimizer=keras.optimizers.SGD(falling), learning_rate=0.05)
    assert_same(flat, fit(data, optimizer=keras.optimizers.SGD(0.05)))


# Weights.


def test_class_weights_are_sample_weights_by_label(data):
    _, y = data
    weights = {"Badminton": 3.0, "Running": 1.0, "Standing": 0.5, "Walking": 1.0}
    by_class = fit(data, class_weight=weights)
    by_case = fit(data, np.array([weights[label] for label in y]))
    assert_same(by_class, by_case)
    assert differ(by_class, fit(data))


def test_balanced_weights_are_inverse_to_frequency(basic_motions):
    chosen = np.r_[0:12, 20:23, 30:40]  # unequal numbers of cases
    X, y = basic_motions.X_train[chosen], basic_motions.y_train[chosen]
    labels, counts = np.unique(y, return_counts=True)
    weights = {label: len(y) / (len(labels) * count) for label, count in zip(labels, counts, strict=True)}
    assert len(set(counts)) > 1
    assert_same(fit((X, y), class_weight="balanced"), fit((X, y), class_weight=weights))


def test_heavier_cases_are_learned_better(data):
    """Half of the cases have another label; the weights decide which half is believed."""
    X, y = data
    believed = np.arange(40) % 2 == 0
    wrong = np.where(believed, y, np.roll(y, 10))
    weights = np.where(believed, 1.0, 1e-6)
    classifier = fit((X, wrong), weights, n_epochs=60, learning_rate=0.01)
    assert classifier.score(X, y) >= 0.9


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(39), "`sample_weight` must be 40 finite numbers"),
        (np.full(40, -1.0), "`sample_weight` must be 40 finite numbers, not negative"),
        (np.zeros(40), "not all zero"),
        (np.full(40, np.nan), "`sample_weight` must be 40 finite numbers"),
    ],
)
def test_bad_sample_weights_are_named(weights, message, data):
    with pytest.raises(ValueError, match=message):
        fit(data, weights)


def test_class_weights_that_leave_a_label_out_are_named(data):
    with pytest.raises(ValueError, match=r"must have a weight for each label.*Walking"):
        fit(data, class_weight={"Badminton": 1.0, "Running": 1.0, "Standing": 1.0})


# Validation, stopping, the best epoch.


def test_a_validation_split_is_stratified_and_not_trained_on(data, monkeypatch):
    from mlstm_fcn.estimators import fitting

    seen = {}

    def spy(network, examples, recipe, *, validation, **others):
        seen.update(training=examples, validation=validation)
        return train(network, examples, recipe, validation=validation, **others)

    train = fitting.train
    monkeypatch.setattr(fitting, "train", spy)
    classifier = fit(data, validation_split=0.2)
    assert set(classifier.history_) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert seen["training"].targets.sum(axis=0).tolist() == [8] * 4
    assert seen["validation"].targets.sum(axis=0).tolist() == [2] * 4
    training, validation = (
        {case.tobytes() for case in seen[part].inputs[0]} for part in ("training", "validation")
    )
    assert len(training | validation) == 40


def test_a_validation_set_is_evaluated_but_changes_no_weight(data, basic_motions):
    validated = MLSTMFCNClassifier(**SMALL).fit(*data, X_val=basic_motions.X_test, y_val=basic_motions.y_test)
    assert_same(validated, fit(data))
    assert validated.history_["val_accuracy"][-1] == pytest.approx(
        validated.score(basic_motions.X_test, basic_motions.y_test)
    )


def test_a_class_with_one_case_makes_the_split_unstratified_with_a_warning(data):
    X, y = data
    y = np.where(np.arange(40) == 5, "alone", y)
    with pytest.warns(UserWarning, match="The validation split is not stratified"):
        fit((X, y), validation_split=0.25)


def test_patience_stops_and_ends_with_the_best_epoch(data, basic_motions):
    validation = {"X_val": basic_motions.X_test, "y_val": basic_motions.y_test}
    parameters = {**SMALL, "n_epochs": 40, "learning_rate": 0.3, "schedule": "constant", "patience": 3}
    classifier = MLSTMFCNClassifier(**parameters).fit(*data, **validation)
    losses = classifier.history_["val_loss"]
    best = int(np.argmin(losses))
    assert classifier.n_epochs_ == len(losses) == best + 1 + 3 < 40
    same_epochs = MLSTMFCNClassifier(**{**parameters, "n_epochs": best + 1, "patience": None})
    assert_same(classifier, same_epochs.fit(*data, **validation))


def test_patience_without_validation_watches_the_training_loss(data):
    classifier = fit(data, n_epochs=60, optimizer="sgd", learning_rate=5.0, schedule="constant", patience=2)
    losses = classifier.history_["loss"]
    assert len(losses) == int(np.argmin(losses)) + 1 + 2 < 60


# Callbacks.


class CountEpochs(keras.callbacks.Callback):
    n_epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.n_epochs += 1
        assert set(logs) == {"loss", "accuracy"}
        if self.n_epochs == 2:
            self.model.stop_training = True


def test_callbacks_are_called_and_every_fit_has_its_own_copy(data):
    callback = CountEpochs()
    classifier = MLSTMFCNClassifier(**SMALL, callbacks=[callback])
    assert classifier.fit(*data).n_epochs_ == 2
    assert classifier.fit(*data).n_epochs_ == 2
    assert callback.n_epochs == 0


# Going on.


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


def test_parts_of_a_training_that_goes_on_draw_anew(data):
    """At a learning rate of next to nothing only the order of cases and dropout change the loss."""
    classifier = MLSTMFCNClassifier(**SMALL, learning_rate=1e-30)
    for _ in range(3):
        classifier.partial_fit(*data)
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
    optimizer = keras.optimizers.SGD(1e-12)
    classifier = NetworkClassifier(network=unnamed_layers, n_epochs=1, optimizer=optimizer, random_state=0)
    before = [weight.copy() for weight in weights_of(classifier.fit(*data))]
    classifier.random_state = 1
    for old, new in zip(before, weights_of(classifier.partial_fit(*data)), strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)


def test_layers_that_the_user_froze_stay_frozen(data):
    first = NetworkClassifier(network=frozen_first_layer, n_epochs=1, random_state=0).fit(*data)
    longer = NetworkClassifier(network=frozen_first_layer, n_epochs=3, random_state=0).fit(*data)
    np.testing.assert_array_equal(weights_of(first)[0], weights_of(longer)[0])
    assert differ(first, longer)


def test_warm_start_needs_the_same_labels(data):
    classifier = fit(data, warm_start=True)
    with pytest.raises(ValueError, match="With warm_start the labels must be those of before"):
        classifier.fit(data[0], np.roll(np.where(data[1] == "Running", "Flying", data[1]), 1))


def test_partial_fit_learns_from_one_part_after_another(data, basic_motions):
    X, y = data
    classifier = MLSTMFCNClassifier(**SMALL, learning_rate=0.01)
    for _ in range(12):
        for part in range(2):
            classifier.partial_fit(X[part::2], y[part::2], classes=np.unique(y))
    assert classifier.n_epochs_ == 24
    assert classifier.history_["loss"][-1] < 0.7 * classifier.history_["loss"][0]
    assert classifier.score(basic_motions.X_test, basic_motions.y_test) > 0.8


def test_partial_fit_knows_announced_labels_from_the_start_and_refuses_others(data):
    X, y = data
    classifier = MLSTMFCNClassifier(**SMALL).partial_fit(X[:10], y[:10], classes=np.unique(y))
    assert len(np.unique(y[:10])) == 1
    assert classifier.classes_.tolist() == np.unique(y).tolist()
    assert classifier.predict_proba(X).shape == (40, 4)
    with pytest.raises(ValueError, match=r"Labels must be among those of fit.*Flying"):
        classifier.partial_fit(X[:2], ["Flying", "Running"])


def test_fine_tuning_takes_over_what_fits_and_leaves_what_is_frozen(data):
    source = fit(data)
    y = np.where(data[1] == "Running", "yes", "no")
    frozen = ("conv", "batch_norm", "squeeze_excite")
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
    branches = ("conv", "batch_norm", "squeeze_excite", "lstm")
    tuned = source.fine_tune(X[few], on_foot[few], freeze=branches, n_epochs=40, learning_rate=0.05)
    assert tuned.n_epochs_ == 40
    assert tuned.score(basic_motions.X_test, test_on_foot) > 0.9
    assert source.score(basic_motions.X_test, basic_motions.y_test) > 0.9


def test_freezing_what_is_not_there_is_named(data):
    with pytest.raises(
        ValueError, match=r"`freeze` must hold beginnings of layers' names: conv_1.*freeze='gru'"
    ):
        fit(data).fine_tune(*data, freeze=("gru",))


# Scaling.


@pytest.mark.parametrize("scaling", ["channel", "series", None])
def test_scaling_is_inside_the_model(scaling, data):
    classifier = fit(data, scaling=scaling)
    series = np.swapaxes(data[0], 1, 2).astype("float32")
    scaled = np.asarray(classifier.model_.get_layer("front")(series))
    if scaling == "channel":
        expected = (series - series.mean(axis=(0, 1))) / series.std(axis=(0, 1))
    elif scaling == "series":
        expected = (series - series.mean(axis=1, keepdims=True)) / series.std(axis=1, keepdims=True)
    else:
        expected = series
    np.testing.assert_allclose(scaled, expected, atol=2e-3)


def test_scaling_each_series_makes_its_level_and_size_irrelevant(data, basic_motions, rng):
    classifier = fit(data, scaling="series")
    X = basic_motions.X_test
    changed = X * rng.uniform(0.5, 2, size=(40, 6, 1)) + rng.normal(size=(40, 6, 1))
    np.testing.assert_allclose(classifier.predict_proba(changed), classifier.predict_proba(X), atol=1e-3)


def test_scaling_uses_training_cases_only(data, monkeypatch):
    """Cases that are held back for validation do not enter the statistics."""
    from mlstm_fcn.estimators import fitting

    chosen = []
    split = fitting._split
    monkeypatch.setattr(fitting, "_split", lambda *given: chosen.append(split(*given)) or chosen[0])
    classifier = fit(data, validation_split=0.5)
    scaling = classifier.model_.get_layer("front").get_layer("scaling")
    X = data[0][chosen[0][0]]
    np.testing.assert_allclose(scaling.mean, X.mean(axis=(0, 2)), rtol=1e-5)
    np.testing.assert_allclose(scaling.std, X.std(axis=(0, 2)), rtol=1e-5)


@pytest.mark.parametrize("scaling", ["channel", "series"])
@pytest.mark.parametrize("unit", [1e-20, 1e20])
def test_the_unit_of_the_data_does_not_matter(scaling, unit, data):
    """Magnetic fields of the brain are of the order of 1e-13 tesla."""
    plain, scaled = (fit((data[0] * factor, data[1]), scaling=scaling) for factor in (1, unit))
    series = np.swapaxes(data[0], 1, 2)
    front, scaled_front = (classifier.model_.get_layer("front") for classifier in (plain, scaled))
    np.testing.assert_allclose(
        scaled_front((series * unit).astype("float32")), front(series.astype("float32")), atol=1e-3
    )


def test_every_recipe_field_that_an_estimator_has_reaches_the_recipe():
    classifier = MLSTMFCNClassifier(
        n_epochs=7,
        batch_size=9,
        optimizer="sgd",
        learning_rate=0.3,
        schedule="plateau",
        label_smoothing=0.2,
        class_weight="balanced",
        validation_split=0.1,
        patience=4,
        keep_best=True,
    )
    recipe = classifier._recipe()
    for name, value in classifier.get_params().items():
        if hasattr(recipe, name):
            assert getattr(recipe, name) == value, name
