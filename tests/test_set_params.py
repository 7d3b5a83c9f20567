"""A parameter that is set after a fit keeps the network, or resets it and says so; a wrong one is refused."""

import copy
import re

import keras
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from mlstm_fcn import Engine, MLSTMFCNClassifier, Recipe
from tests import quick_fcn
from tests.quick_fcn import fit
from tests.quick_fit import assert_same

data, plain = quick_fcn.data, quick_fcn.plain


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lerning_rate", "Did you mean 'learning_rate'?"),
        ("recpie__optimizer", "Did you mean 'recipe__optimizer'"),
        ("label_smothing", "Did you mean 'recipe__label_smoothing'"),
        ("engine__precison", "Engine has no option 'precison'. Did you mean 'precision'?"),
        ("zzz", "MLSTMFCNClassifier has no parameter 'zzz'. It has attention, batch_size, "),
    ],
)
def test_every_typo_in_set_params_gets_an_answer(name, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        MLSTMFCNClassifier().set_params(**{name: 1})


OF_TRAINING = {
    "n_epochs": 5,
    "batch_size": 4,
    "learning_rate": 1e-4,
    "validation_split": 0.25,
    "patience": 2,
    "callbacks": [],
    "checkpoint": "state.npz",
    "engine": Engine(precision="float32"),
    "warm_start": True,
    "on_longer": "cut",
    "missing": "error",
    "random_state": 1,
    "verbose": 1,
    "class_weight": "balanced",
    "recipe": Recipe(optimizer="sgd", schedule="constant"),
    "recipe__optimizer": "adam",
    "recipe__label_smoothing": 0.3,
    "engine__n_jobs": 2,
    "n_members": 1,
    "network_params": {"filters": [4], "kernel_sizes": [3]},
}
"""Other values of parameters that decide how to train; and values of others that change nothing."""
OF_NETWORK = {
    "network_params": {"filters": (5,), "kernel_sizes": (3,)},
    "scaling": "series",
    "missing": "zero",
    "n_members": 2,
    "recipe": "paper",
    "recipe__network_options": {"dilation_rates": None},
}


@pytest.mark.parametrize("name", OF_TRAINING)
def test_a_parameter_of_training_keeps_what_was_fitted(name, data, plain):
    classifier = copy.deepcopy(plain)
    assert classifier.set_params(**{name: OF_TRAINING[name]}) is classifier
    assert_same(classifier, plain)
    np.testing.assert_array_equal(classifier.predict(data[0]), plain.predict(data[0]))
    assert classifier.get_params()[name] == OF_TRAINING[name]
    assert classifier.is_fitted


@pytest.mark.parametrize("name", OF_NETWORK)
def test_a_parameter_of_the_network_resets_and_partial_fit_says_so(name, data, plain):
    classifier = copy.deepcopy(plain).set_params(**{name: OF_NETWORK[name]}).set_params(verbose=0)
    assert not classifier.is_fitted
    with pytest.raises(NotFittedError):
        classifier.predict(data[0])
    with pytest.warns(UserWarning, match="`set_params` has reset .*anew.*epochs lost: 2"):
        classifier.partial_fit(*data)
    assert classifier.partial_fit(*data).n_epochs_ == 2


def test_a_reset_that_was_asked_for_is_not_warned_of(data, plain):
    assert copy.deepcopy(plain).set_params(scaling=None).reset().partial_fit(*data).n_epochs_ == 1
    classifier = copy.deepcopy(plain).set_params(scaling=None)
    assert classifier.fit(*data).partial_fit(*data).n_epochs_ == 3
    assert classifier.reset().partial_fit(*data).n_epochs_ == 1


def test_what_load_returns_trains_further_with_what_the_file_lost(data, tmp_path):
    recipe = Recipe(optimizer=keras.optimizers.SGD(0.01))
    classifier = fit(data, recipe=recipe)
    with pytest.warns(UserWarning, match="does not keep objects: recipe__optimizer. Set them"):
        classifier.save(tmp_path / "it.keras")
    loaded = type(classifier).load(tmp_path / "it.keras")
    loaded.set_params(recipe__optimizer=keras.optimizers.SGD(0.01))
    assert loaded.partial_fit(*data).n_epochs_ == 3


def test_a_bad_value_is_refused_and_leaves_a_fitted_estimator_as_it_was(data, plain):
    classifier = copy.deepcopy(plain)
    for name, value in {"scaling": "chanel", "recipe": "papr", "network_param": None}.items():
        with pytest.raises(ValueError, match="Did you mean"):
            classifier.set_params(**{name: value})
    assert classifier.get_params() == plain.get_params()
    assert_same(classifier, plain)
