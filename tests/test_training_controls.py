"""Each control of training does what its documentation says, on real data."""

import copy
import dataclasses

import keras
import numpy as np
import pytest
from sklearn.base import clone

from mlstm_fcn import MLSTMFCNClassifier
from mlstm_fcn.fitting import Cases, Classification, InputPolicy, RngSpec
from mlstm_fcn.fitting.prepare import datasets
from mlstm_fcn.models.pipeline import split
from mlstm_fcn.training.recipes import Recipe
from tests.quick_fit import OF_RECIPE, SMALL, assert_same, differ, fit, small, weights_of


@pytest.fixture(scope="module")
def data(basic_motions):
    return basic_motions.X_train, basic_motions.y_train


# Optimizer, schedule, loss.


def test_an_optimizer_by_name_or_as_an_object_trains_the_same(data):
    named = fit(data, optimizer="sgd", learning_rate=0.05, schedule="constant")
    assert_same(named, fit(data, optimizer=keras.optimizers.SGD(0.05)))
    assert differ(named, fit(data, optimizer=keras.optimizers.SGD(0.01)))


def test_an_optimizer_object_is_left_untouched_and_serves_again(data):
    optimizer = keras.optimizers.Adam(0.01)
    classifier = small(optimizer=optimizer)
    first = copy.deepcopy(weights_of(classifier.fit(*data)))
    assert not optimizer.built
    for before, after in zip(first, weights_of(classifier.fit(*data)), strict=True):
        np.testing.assert_array_equal(before, after)
    assert classifier.recipe.optimizer is optimizer


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
    with pytest.raises(ValueError, match="its own learning rate schedule requires `schedule='constant'`"):
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


def test_class_weights_go_by_label_whatever_their_order():
    y = np.array(["b", "a", "c", "b"])
    weights = Classification.learn(y).sample_weights(y, {"c": 3.0, "b": 2.0, "a": 1.0})
    assert weights.tolist() == [2, 1, 3, 2]


def test_class_weights_multiply_sample_weights_in_training_and_validation():
    X, y, weights = np.ones((4, 1, 3)), np.array([0, 1, 1, 1]), np.array([5.0, 1.0, 2.0, 3.0])
    cases, recipe = Cases(X, y, weights), Recipe(class_weight={1: 0.1, 0: 10.0})
    *read, _ = datasets(cases, cases, Classification.learn(y), recipe, InputPolicy(), RngSpec(0))
    for part in read:
        np.testing.assert_allclose(part.sample_weight, [50, 0.1, 0.2, 0.3], rtol=1e-6)


def test_cases_that_are_held_back_keep_their_weights():
    weights = np.arange(1.0, 9.0)  # and series of that value
    cases = Cases(weights[:, None, None] * np.ones((1, 1, 3)), np.arange(8) % 2, weights)
    recipe = Recipe(validation_split=0.5, class_weight={0: 1.0, 1: 10.0})
    *parts, _ = datasets(cases, None, Classification.learn(cases.y), recipe, InputPolicy(), RngSpec(0))
    for part in parts:
        values = part.inputs[0][:, 0, 0]
        np.testing.assert_allclose(part.sample_weight, np.where(part.targets[:, 1], 10 * values, values))
    assert sorted(np.concatenate([part.inputs[0][:, 0, 0] for part in parts])) == weights.tolist()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_smoothing_spreads_its_share_of_the_target_over_all_classes(smoothing):
    loss = Classification(np.arange(4)).loss(Recipe(label_smoothing=smoothing))
    predicted = np.array([[0.7, 0.1, 0.15, 0.05]])
    expected = -np.log(predicted[0]) @ (smoothing / 4 + (1 - smoothing) * np.eye(4)[1])
    assert float(loss(np.eye(4)[[1]], predicted)) == pytest.approx(expected, rel=1e-5)


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


def test_sample_weights_would_be_lost_with_two_columns_of_labels(data):
    """sktime fits one copy for each column, and gives it X and y only."""
    X, y = data
    with pytest.raises(ValueError, match="do not support multi-output `y`"):
        fit((X, np.stack([y, y], axis=1)), np.ones(40))


def test_class_weights_that_leave_a_label_out_are_named(data):
    with pytest.raises(ValueError, match=r"must have a weight for each label.*Walking"):
        fit(data, class_weight={"Badminton": 1.0, "Running": 1.0, "Standing": 1.0})


# Validation, stopping, the best epoch.


def test_a_validation_split_is_stratified_and_not_trained_on(data, monkeypatch):
    from mlstm_fcn.fitting import members

    seen = {}

    def spy(network, examples, recipe, *, validation, **others):
        seen.update(training=examples, validation=validation)
        return train(network, examples, recipe, validation=validation, **others)

    train = members.train
    monkeypatch.setattr(members, "train", spy)
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
    parameters = {"n_epochs": 40, "learning_rate": 0.3, "schedule": "constant", "patience": 3}
    classifier = small(**parameters).fit(*data, **validation)
    losses = classifier.history_["val_loss"]
    best = int(np.argmin(losses))
    assert classifier.n_epochs_ == len(losses) == best + 1 + 3 < 40
    same_epochs = small(**{**parameters, "n_epochs": best + 1, "patience": None})
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


@pytest.mark.usefixtures("uncompiled")
def test_callbacks_are_called_and_every_fit_has_its_own_copy(data):
    callback = CountEpochs()
    classifier = MLSTMFCNClassifier(**{**SMALL, "batch_size": 40}, callbacks=[callback])
    assert classifier.fit(*data).n_epochs_ == 2
    assert classifier.fit(*data).n_epochs_ == 2
    assert callback.n_epochs == 0


CHANGED = {
    "n_epochs": 7,
    "n_steps": 11,
    "batch_size": 9,
    "equal_batches": False,
    "optimizer": "adam",
    "learning_rate": 0.3,
    "weight_decay": 0.03,
    "schedule": "plateau",
    "loss": "kl_divergence",
    "label_smoothing": 0.2,
    "class_weight": "balanced",
    "validation_split": 0.1,
    "patience": 4,
    "keep_best": True,
    "average_weights": 0.5,
    "augmentation": {"jitter": 0.1},
    "n_members": 2,
    "vote": "worth",
    "network_options": {"head": "max"},
    "member_options": ({"dilation_scales": 2},),
    "caller_first": True,
}
"""Another value than the default's for every option of a recipe; each must change what training does."""


def test_every_option_of_a_recipe_is_here():
    assert set(CHANGED) == {one.name for one in dataclasses.fields(Recipe)}


@pytest.mark.parametrize("name", CHANGED)
def test_every_option_is_reached_by_its_nested_name(name):
    classifier = MLSTMFCNClassifier(random_state=0)
    before = classifier.get_params()
    assert before[f"recipe__{name}"] == getattr(Recipe(), name) != CHANGED[name]
    classifier.set_params(**{f"recipe__{name}": CHANGED[name]})
    assert classifier.get_params()[f"recipe__{name}"] == CHANGED[name]
    assert getattr(classifier.training_recipe(), name) == CHANGED[name]
    assert clone(classifier).get_params() == classifier.get_params()


@pytest.mark.parametrize("name", sorted(set(CHANGED) - OF_RECIPE))
def test_options_of_the_constructor_replace_those_of_the_recipe(name):
    for recipe in ("default", Recipe(), "paper"):
        classifier = MLSTMFCNClassifier(recipe=recipe, **{name: CHANGED[name]})
        assert getattr(classifier.training_recipe(), name) == CHANGED[name]


def test_none_means_none_and_not_given_means_the_recipes():
    of = lambda **given: MLSTMFCNClassifier(recipe="paper", **given).training_recipe()  # noqa: E731
    assert of().class_weight == "balanced"
    assert of(class_weight=None).class_weight is None
    assert (of().n_epochs, of(n_epochs=None).n_epochs, of(n_epochs=None).n_steps) == (250, None, 600)
    network = lambda **given: MLSTMFCNClassifier(**given).network_spec()  # noqa: E731
    default, paper = Recipe(), Recipe.named("paper")
    assert network().resolved(default, 0, 100)["dilation_rates"] == (2, 4, 8)
    assert network(dilation_rates=None).resolved(default, 0, 100)["dilation_rates"] is None
    assert network().resolved(paper, 0, 100)["se_blocks"] == (1, 2)
    assert network(se_blocks=None).resolved(paper, 0, 100)["se_blocks"] is None


def test_options_that_depend_on_others_follow_them():
    sgd = keras.optimizers.SGD(0.05)
    assert (Recipe(optimizer=sgd).learning_rate, Recipe(optimizer=sgd).schedule) == (None, "constant")
    assert Recipe(optimizer=sgd, learning_rate=0.1).learning_rate == 0.1
    assert Recipe(optimizer="sgd").weight_decay is None
    assert Recipe().but(optimizer="sgd").but(optimizer="adamw").weight_decay == Recipe().weight_decay
    assert Recipe(loss="kl_divergence").label_smoothing == 0
    assert Recipe.named("paper", n_steps=60).n_epochs is None
    assert Recipe.named("paper", optimizer="sgd").schedule == "plateau"


# Budgets of steps, averages of weights.


@pytest.mark.parametrize(
    ("n_cases", "expected"),
    [(1, 200), (15, 200), (100, 86), (160, 60), (161, 60), (2400, 60), (3200, 45), (7494, 20), (10**6, 20)],
)
def test_a_budget_of_steps_decides_the_epochs_within_bounds(n_cases, expected):
    """100 cases in batches of 16 are 7 steps an epoch, so 600 steps 86 epochs; 9000 are the most."""
    assert Recipe(n_epochs=None, n_steps=600).epochs(n_cases) == expected


def test_epochs_go_before_a_budget_of_steps(data):
    assert fit(data, n_epochs=None, n_steps=1, filters=(2,)).n_epochs_ == 20
    assert fit(data, n_epochs=2, n_steps=1000).n_epochs_ == 2


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("by", ["name", "object", "its own"])
def test_averaged_weights_are_what_training_ends_with(by, data):
    """One step an epoch: the average is 0.7 of the old one and 0.3 of the weights after each epoch."""
    seen = []

    class Weights(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append([np.asarray(v) for v in self.model.trainable_variables])

        def __deepcopy__(self, memo):
            return self

    average = {"average_weights": 0.7}
    if by == "object":
        average |= {"optimizer": keras.optimizers.AdamW(1e-3)}
    if by == "its own":
        average = {"optimizer": keras.optimizers.AdamW(1e-3, use_ema=True, ema_momentum=0.7)}
    classifier = fit(data, batch_size=40, n_epochs=4, callbacks=[Weights()], **average)
    expected = seen[0]
    for weights in seen[1:]:
        expected = [0.7 * old + 0.3 * new for old, new in zip(expected, weights, strict=True)]
    network = split(classifier.model_)[1]
    for variable, value in zip(network.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(np.asarray(variable), value, atol=1e-6)
    assert np.abs(expected[0] - seen[-1][0]).max() > 1e-5


def test_an_average_and_a_best_epoch_exclude_each_other(data):
    for other in ({"keep_best": True}, {"patience": 3}, {"recipe": "paper"}):
        with pytest.raises(ValueError, match="`average_weights` cannot be combined with the best epoch"):
            fit(data, average_weights=0.9, **other)


@pytest.mark.usefixtures("uncompiled")
def test_weight_decay_is_of_adamw(data):
    assert differ(*(fit(data, weight_decay=decay, batch_size=40) for decay in (0.5, 0.01)))
    for others in ({"optimizer": "sgd"}, {"recipe": "paper"}, {"optimizer": keras.optimizers.Adam()}):
        with pytest.raises(ValueError, match="`weight_decay` requires `optimizer='adamw'`"):
            fit(data, weight_decay=0.1, **others)
    with pytest.raises(ValueError, match="`weight_decay` must not be negative"):
        fit(data, weight_decay=-1.0)


@pytest.mark.parametrize("share", [0, 1, 1.5])
def test_a_share_of_an_average_that_is_none_is_named(share, data):
    with pytest.raises(ValueError, match="`average_weights` must be between 0 and 1"):
        fit(data, average_weights=share)
