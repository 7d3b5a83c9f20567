"""Each control of training does what its documentation says, on real data."""

import copy

import keras
import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier
from mlstm_fcn.fitting import Classification
from mlstm_fcn.models.pipeline import split
from mlstm_fcn.training.recipes import Recipe
from tests.quick_fit import SMALL, assert_same, differ, fit, small, weights_of

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


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_smoothing_spreads_its_share_of_the_target_over_all_classes(smoothing):
    loss = Classification(np.arange(4)).loss(Recipe(label_smoothing=smoothing))
    predicted = np.array([[0.7, 0.1, 0.15, 0.05]])
    expected = -np.log(predicted[0]) @ (smoothing / 4 + (1 - smoothing) * np.eye(4)[1])
    assert float(loss(np.eye(4)[[1]], predicted)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("uncompiled")
def test_weight_decay_is_of_adamw(data):
    assert differ(*(fit(data, weight_decay=decay, batch_size=40) for decay in (0.5, 0.01)))
    for others in ({"optimizer": "sgd"}, {"recipe": "paper"}, {"optimizer": keras.optimizers.Adam()}):
        with pytest.raises(ValueError, match="`weight_decay` requires `optimizer='adamw'`"):
            fit(data, weight_decay=0.1, **others)
    with pytest.raises(ValueError, match="`weight_decay` must not be negative"):
        fit(data, weight_decay=-1.0)


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


@pytest.mark.parametrize("share", [0, 1, 1.5])
def test_a_share_of_an_average_that_is_none_is_named(share, data):
    with pytest.raises(ValueError, match="`average_weights` must be between 0 and 1"):
        fit(data, average_weights=share)
