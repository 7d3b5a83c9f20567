"""A classifier that is small and quick to fit, and comparisons of what fits end in."""

import dataclasses

import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, Recipe

SMALL = {"filters": (8,), "kernel_sizes": (5,), "n_epochs": 3, "batch_size": 8, "random_state": 0}
"""One block, for tests that are not about blocks: it compiles in half the time of three."""
THREE_BLOCKS = {"filters": (8, 16, 8), "kernel_sizes": (8, 5, 3), "reduction": 4}
"""With squeeze-and-excitation after the first two."""
OF_RECIPE = {one.name for one in dataclasses.fields(Recipe)} - set(
    MLSTMFCNClassifier().get_params(deep=False)
)
"""Options that only a recipe has, and the constructor has not."""


def with_recipe(parameters):
    """Parameters of an estimator, with the options that only a recipe has put into one."""
    options = {name: value for name, value in parameters.items() if name in OF_RECIPE}
    others = {name: value for name, value in parameters.items() if name not in OF_RECIPE}
    return (
        {**others, "recipe": Recipe.named(others.get("recipe", "default"), **options)} if options else others
    )


def small(**parameters):
    return MLSTMFCNClassifier(**with_recipe({**SMALL, **parameters}))


def fit(data, *arguments, **parameters):
    return small(**parameters).fit(*data, *arguments)


def weights_of(classifier):
    return classifier.model_.get_weights()


def assert_same(one, other):
    for first, second in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_array_equal(first, second)


def differ(one, other):
    return any(not np.array_equal(a, b) for a, b in zip(weights_of(one), weights_of(other), strict=True))


@pytest.fixture(scope="module")
def fitted(basic_motions):
    return fit((basic_motions.X_train, basic_motions.y_train), n_epochs=1)
