"""Every option that is given is used, refused, or replaced by a rule that is written down."""

import copy
import pickle

import keras
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, NetworkClassifier, Recipe, explain
from mlstm_fcn.fitting import Cases, Classification, InputPolicy, NetworkSpec, Regression, RngSpec
from mlstm_fcn.fitting import fit as fit_network
from tests.quick_fit import fit


@pytest.fixture
def cases(rng):
    y = np.array(["a", "b"])[np.arange(12) % 2]
    return Cases(rng.normal(size=(12, 2, 8)) + (np.arange(12) % 2)[:, None, None], y)


def dense(input_shape, n_outputs, activation="softmax", table=None, start=None):
    series = keras.Input(input_shape)
    flat = keras.layers.Flatten()(series)
    hidden = keras.layers.Dense(4, name="hidden", kernel_initializer=start or "glorot_uniform")(flat)
    return keras.Model(series, keras.layers.Dense(n_outputs, activation=activation, name="output")(hidden))


def quick(**given):
    return NetworkClassifier(network=dense, **{"n_epochs": 2, "random_state": 0, **given})


# Recipes.


def test_nested_options_that_are_given_stay_though_they_are_the_values_before():
    classifier = MLSTMFCNClassifier()
    given = {"optimizer": keras.optimizers.Adam(0.05), "schedule": "cosine", "learning_rate": 1e-3}
    classifier.set_params(**{f"recipe__{name}": value for name, value in given.items()})
    assert classifier.training_recipe().schedule == Recipe(**given).schedule == "cosine"
    assert classifier.training_recipe().learning_rate == 1e-3
    with pytest.raises(ValueError, match="`label_smoothing` applies only to the default loss"):
        classifier.set_params(recipe__loss="kl_divergence", recipe__label_smoothing=0.1)


def test_all_parameters_can_be_set_to_what_they_are():
    classifier = MLSTMFCNClassifier(n_epochs=3, recipe=Recipe(patience=4))
    before = classifier.get_params()
    assert classifier.set_params(**before).get_params() == before


def test_a_nested_option_that_a_parameter_replaces_is_refused():
    classifier = MLSTMFCNClassifier(n_epochs=2)
    with pytest.raises(ValueError, match=r"`n_epochs` replaces `recipe__n_epochs`.*Received: n_epochs=2"):
        classifier.set_params(recipe__n_epochs=7)
    assert classifier.set_params(n_epochs="recipe", recipe__n_epochs=7).training_recipe().n_epochs == 7


def test_a_grid_over_nested_options_compares_different_trainings(cases):
    classifier = quick(batch_size=4)
    grid = {"recipe__label_smoothing": [0.0, 0.9], "recipe__schedule": ["constant"]}
    search = GridSearchCV(classifier, grid, cv=2, scoring="neg_log_loss").fit(cases.X, cases.y)
    assert np.ptp(search.cv_results_["mean_test_score"]) > 1e-3


def test_a_recipe_cannot_be_changed_from_outside():
    strengths = {"jitter": 0.1}
    recipe = Recipe(augmentation=strengths)
    strengths["jitter"] = 5.0
    assert recipe.augmentation == {"jitter": 0.1}
    with pytest.raises(TypeError, match="make another recipe with `but`"):
        MLSTMFCNClassifier().get_params()["recipe__augmentation"]["jitter"] = 0.3
    assert pickle.loads(pickle.dumps(recipe)) == copy.deepcopy(recipe) == recipe


def test_of_a_recipes_blocks_those_are_taken_that_the_network_has():
    paper = Recipe.named("paper")
    short = {"filters": (4,), "kernel_sizes": (3,)}
    assert NetworkSpec("mlstm_fcn", short).merged(paper)["se_blocks"] == (1,)
    assert NetworkSpec("mlstm_fcn").merged(paper)["se_blocks"] == (1, 2)
    for name in ("fcn", "se_resnet", "mlp"):  # without the LSTM, or with blocks of another kind
        assert "se_blocks" not in NetworkSpec(name).merged(paper)


def test_who_comes_first_is_an_option_and_survives_a_file(tmp_path, cases):
    members = [{}, {"head": "max"}]
    for recipe, expected in (
        (Recipe(member_options=members), "max"),
        (Recipe(member_options=members, caller_first=True), "average"),
        (Recipe.named("ensemble", member_options=members), "max"),
    ):
        spec = NetworkSpec("fcn", {"head": "average"})
        assert spec.merged(recipe, 1)["head"] == expected
    both = {"network_options": {"head": "flatten", "recurrent": None}, "member_options": members}
    for first in (False, True):  # an option of a member goes before one of all members
        recipe = Recipe(**both, caller_first=first)
        heads = [NetworkSpec("mlstm_fcn").merged(recipe, member)["head"] for member in range(4)]
        assert heads == ["flatten", "max"] * 2
    classifier = MLSTMFCNClassifier(recipe=Recipe(member_options=members), n_epochs=1, filters=(4, 4, 4))
    classifier.fit(cases.X, cases.y).save(tmp_path / "it.keras")
    assert MLSTMFCNClassifier.load(tmp_path / "it.keras").recipe == classifier.recipe


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"equal_batches": None}, "`equal_batches` must be True or False"),
        ({"keep_best": "no"}, "`keep_best` must be True or False"),
        ({"n_epochs": None, "n_steps": None}, "requires `n_epochs` or `n_steps`"),
        ({"validation_split": "half"}, r"`validation_split` must be in \[0, 1\)"),
    ],
)
def test_values_that_would_be_taken_for_others_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**options)
    assert Recipe(validation_split=np.float32(0.25)).validation_split == 0.25


def test_network_options_of_a_recipe_must_be_options_of_some_network(cases):
    with pytest.raises(ValueError, match="Did you mean 'batch_norm_momentum'"):
        fit((cases.X, cases.y), recipe=Recipe(network_options={"batch_norm_momentun": 0.5}))


def test_weights_of_classes_require_a_classifier(rng):
    regressor = MLSTMFCNRegressor(recipe=Recipe(class_weight={1.0: 2.0}, n_epochs=1))
    with pytest.raises(ValueError, match="`class_weight` requires a classifier"):
        regressor.fit(rng.normal(size=(4, 1, 9)), np.arange(4.0))


def test_a_training_set_that_is_all_held_back_is_named(cases):
    with pytest.raises(ValueError, match="too small for the `validation_split`"):
        quick(n_epochs="recipe", validation_split=0.95).fit(cases.X, cases.y)


# Continuing.


def test_none_is_another_value_than_none_given(cases):
    classifier = MLSTMFCNClassifier(n_epochs=1, filters=(4, 4, 4), random_state=0).fit(cases.X, cases.y)
    classifier.dilation_rates = None
    with pytest.raises(ValueError, match=r"cannot change the network.*dilation_rates=None"):
        classifier.partial_fit(cases.X, cases.y)


def fit_values(cases, **given):
    values = {
        "network": NetworkSpec(dense),
        "task": Classification(np.unique(cases.y)),
        "inputs": InputPolicy(),
    }
    return fit_network(cases, **{**values, "recipe": Recipe(n_epochs=1), "rng": RngSpec(0), **given})


def test_a_start_decides_what_is_continued(cases, rng):
    start = fit_values(cases)
    for other in ({"inputs": InputPolicy(scaling=None)}, {"network": NetworkSpec(dense, {"table": 3})}):
        with pytest.raises(ValueError, match="cannot change the network"):
            fit_values(cases, start=start, **other)
    numbers = Cases(cases.X, 5000 + rng.normal(size=12))
    start = fit_values(numbers, task=Regression.learn(numbers.y))
    with pytest.raises(ValueError, match="keeps the unit of the targets"):
        fit_values(numbers, task=Regression(0.0, 1.0), start=start)


def test_networks_with_objects_as_options_can_be_tuned(cases):
    params = {"table": np.arange(3), "start": keras.initializers.HeNormal(seed=1)}
    classifier = quick(network_params=params).fit(cases.X, cases.y)
    assert classifier.fine_tune(cases.X, cases.y, n_epochs=1).n_epochs_ == 1
    assert classifier.partial_fit(cases.X, cases.y).n_epochs_ == 3


def test_any_error_leaves_the_epochs_that_were_whole(cases):
    class Fail(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise ArithmeticError("no more")

    classifier = quick(n_epochs=5, callbacks=[Fail()])
    with pytest.raises(ArithmeticError, match="no more"):
        classifier.fit(cases.X, cases.y)
    assert classifier.fitted_.epochs_trained == 2


def test_an_interrupt_can_be_sent_to_another_process():
    from mlstm_fcn.fitting import Interrupted

    assert pickle.loads(pickle.dumps(Interrupted())).fitted is None


# Callbacks and parameters that are set after fit.


def test_a_batch_hook_sees_and_sets_the_learning_rate_of_its_step(cases):
    seen = []

    class Rates(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(float(self.model.optimizer.learning_rate))
            if batch:
                self.model.optimizer.learning_rate = 0.0

        def on_train_batch_end(self, batch, logs=None):
            assert (float(self.model.optimizer.learning_rate) == 0.0) == bool(batch)

    quick(n_epochs=2, batch_size=4, callbacks=[Rates()]).fit(cases.X, cases.y)
    from mlstm_fcn.training.optimizer import warm_up_and_cosine

    np.testing.assert_allclose(seen, 1e-3 * warm_up_and_cosine(6), rtol=1e-5)


@pytest.mark.parametrize("callbacks", [[3], "abc", keras.callbacks.TerminateOnNaN()])
def test_what_are_no_callbacks_is_named(callbacks, cases):
    with pytest.raises(ValueError, match="`callbacks` must be a list of Keras callbacks"):
        quick(callbacks=callbacks).fit(cases.X, cases.y)


def test_parameters_that_are_set_after_fit_hold_everywhere_or_are_refused(cases):
    options = {"filters": (4, 4, 4), "reduction": 2, "n_epochs": 1, "random_state": 0}
    classifier = MLSTMFCNClassifier(**options).fit(cases.X, cases.y)
    long = np.concatenate([cases.X, cases.X], axis=2)
    classifier.on_longer = "error"
    for use in (
        lambda: classifier.predict(long),
        lambda: explain.gates(classifier, long),
        lambda: classifier.model_card(long, cases.y),
    ):
        with pytest.raises(ValueError, match="must not be longer than 8 steps"):
            use()
    assert "are refused" in classifier.model_card()
    gaps = cases.X.copy()
    gaps[1, 0, 2] = np.nan
    classifier.missing = "error"
    with pytest.raises(ValueError, match="No value of X may be missing"):
        classifier.predict(gaps)
    classifier.missing = "zero"
    with pytest.raises(ValueError, match="are part of the fitted network"):
        classifier.predict(gaps)


def test_what_is_not_there_before_fit_is_named():
    classifier = MLSTMFCNClassifier()
    with pytest.raises(AttributeError, match="has no attribute 'model_', or not before `fit`"):
        _ = classifier.model_
    assert not hasattr(classifier, "fitted_")


def test_only_one_network_is_kept_for_a_warm_start(cases):
    classifier = quick(warm_start=True).fit(cases.X, cases.y)
    size = len(pickle.dumps(classifier))
    assert len(pickle.dumps(classifier.fit(cases.X, cases.y))) < 1.2 * size
