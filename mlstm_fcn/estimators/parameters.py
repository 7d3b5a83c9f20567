"""Parameters of training, of which the recipe is one, with scikit-learn's nested names for its options.

Estimators are dataclasses: each field is a constructor parameter, written once with its type and default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from mlstm_fcn._checks import did_you_mean, require
from mlstm_fcn._options import NOT_GIVEN, NotGiven, given
from mlstm_fcn.estimators.documented import Documented
from mlstm_fcn.training.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    import keras

_PREFIX = "recipe__"
_OF_RECIPE = tuple(one.name for one in fields(Recipe))


@dataclass(kw_only=True, eq=False, repr=False)
class TrainingParameters(Documented):
    """How an estimator trains, whatever its network.

    Parameters:
        recipe: How to train: `"default"`, `"ensemble"` (five networks that vote and see series in three ways),
            `"paper"`, or a `mlstm_fcn.Recipe`. `set_params` and searches reach its options by nested names,
            such as `recipe__label_smoothing`. The next seven are options of the recipe too; one that is
            not given is the recipe's.
        n_epochs: Number of epochs; None: derived from the recipe's `n_steps`.
        batch_size: Maximum batch size.
        learning_rate: Highest learning rate of the schedule; None: the optimizer's own.
        validation_split: Share of the training set that validates, in [0, 1), stratified by class. A
            validation set given to fit replaces it.
        patience: Stop after this number of epochs without a lower validation loss (training loss without
            validation), and end with the best epoch's weights; None: never.
        n_members: Number of networks, trained from seeds that follow from `random_state`; the mean of their
            outputs is the prediction, and they are one model. The first one is the network that
            `n_members=1` trains. Callbacks, stopping and progress belong to each member.
        callbacks: Keras callbacks; every training uses copies.
        checkpoint: Path of a file that keeps the state of training after each epoch. A killed fit resumes
            from it, which requires an integer as `random_state`; a fit that ends deletes it. Members after
            the first have files with `.2`, `.3` at the end.
        warm_start: Whether fit continues from the weights of the last fit.
        scaling: `"channel"`: each channel by its mean and standard deviation in the training set;
            `"series"`: each channel of each series by its own; None: not at all.
        missing: `"interpolate"`: linearly in time, held at the ends; `"zero"`: zero after scaling, which
            with scaling is the mean; `"error"`: a missing value raises ValueError.
        on_longer: What is done with series longer than the longest training series, where the network has a
            fixed length: `"cut"` them, `"warn"` (cut with a warning), or `"error"`.
        random_state: Decides initial weights, dropout, augmentation, validation split and the order of
            cases: an integer or a `numpy.random.RandomState` for reproducible results, or None.
        verbose: 1 shows a progress bar during fit, 0 nothing.
    """

    recipe: str | Recipe = "default"
    n_epochs: int | NotGiven | None = NOT_GIVEN
    batch_size: int | NotGiven = NOT_GIVEN
    learning_rate: float | NotGiven | None = NOT_GIVEN
    validation_split: float | NotGiven = NOT_GIVEN
    patience: int | NotGiven | None = NOT_GIVEN
    n_members: int | NotGiven = NOT_GIVEN
    callbacks: Sequence[keras.callbacks.Callback] | None = None
    checkpoint: str | Path | None = None
    warm_start: bool = False
    scaling: Literal["channel", "series"] | None = "channel"
    missing: Literal["interpolate", "zero", "error"] = "interpolate"
    on_longer: Literal["warn", "cut", "error"] = "warn"
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    def __new__(cls, *arguments: Any, **parameters: Any) -> Self:
        """Raise a helpful error for unknown parameters; `__init__` does the rest."""
        known = signature(cls.__init__).parameters
        if not any(one.kind is Parameter.VAR_KEYWORD for one in known.values()):
            for name in parameters:
                if name not in known:
                    raise TypeError(f"{cls.__name__} has no parameter {name!r}. {_repair(name, known)}")
        return super().__new__(cls)

    def training_recipe(self) -> Recipe:
        """The recipe with the options that the constructor was given.

        Raises:
            ValueError: If the recipe is unknown, or an option is out of its range.
        """
        own = {name: getattr(self, name) for name in _OF_RECIPE if hasattr(self, name)}
        return Recipe.named(self.recipe, **given(own))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name; with `deep` the recipe's options too, as `recipe__...`."""
        parameters: dict[str, Any] = super().get_params(deep=deep)  # type: ignore[misc]
        if deep and (isinstance(self.recipe, Recipe) or self.recipe in RECIPES):
            recipe = Recipe.named(self.recipe)
            parameters |= {f"{_PREFIX}{name}": getattr(recipe, name) for name in _OF_RECIPE}
        return parameters

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters; `recipe__...` changes an option of the recipe.

        Raises:
            ValueError: If a parameter is unknown.
        """
        known = self.get_params(deep=True)
        for name in parameters:
            rule = f"{type(self).__name__} has no parameter {name!r}. {_repair(name, known)}"
            require(name in known or "__" in name.removeprefix(_PREFIX), rule)
        nested = {name: value for name, value in parameters.items() if name.startswith(_PREFIX)}
        flat = {name: value for name, value in parameters.items() if name not in nested}
        if nested:
            recipe = Recipe.named(flat.get("recipe", self.recipe))
            options = {name.removeprefix(_PREFIX): value for name, value in nested.items()}
            changes = {n: v for n, v in options.items() if not hasattr(recipe, n) or getattr(recipe, n) != v}
            if changes:
                flat["recipe"] = recipe.but(**changes)
        return super().set_params(**flat)  # type: ignore[misc, no-any-return]


def _repair(name: str, known: Any) -> str:
    if name in _OF_RECIPE:
        nested = f"recipe=Recipe({name}=...), or set_params(recipe__{name}=...)"
        return f"It is an option of the recipe: {nested}."
    return did_you_mean(name, known)
