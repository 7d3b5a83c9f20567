"""Every option of a recipe is reached by its name, and replaced by the constructor's of that name."""

import dataclasses

import keras
import pytest
from sklearn.base import clone

from mlstm_fcn import MLSTMFCNClassifier
from mlstm_fcn.training.recipes import Recipe
from tests.quick_fit import OF_RECIPE

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
