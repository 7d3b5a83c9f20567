"""Parameters of training; recipe and engine have options of their own, by scikit-learn's nested names.

Estimators are dataclasses: each field is a constructor parameter, written once with its type and default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from mlstm_fcn._documented import Documented
from mlstm_fcn._nested import flattened, nested_options, require_taken
from mlstm_fcn._options import FROM_RECIPE, FromRecipe, given
from mlstm_fcn.engine import Engine
from mlstm_fcn.training.recipes import Recipe

if TYPE_CHECKING:
    import keras

    from mlstm_fcn.fitting import InputPolicy

_OF_RECIPE = tuple(one.name for one in fields(Recipe))


@dataclass(kw_only=True, eq=False, repr=False)
class TrainingParameters(Documented):
    """How an estimator trains, whatever its network.

    Parameters:
        recipe: How to train: `"default"`, `"ensemble"` (five networks that vote and see series in three
            ways), `"hybrid"` (two networks and random convolutions), `"paper"`, or a `mlstm_fcn.Recipe`,
            whose options `set_params` and searches reach as `recipe__label_smoothing` and so on. `"recipe"`
            leaves the next six parameters to it.
        n_epochs: Number of epochs; None: derived from the recipe's `n_steps`, 600 if it has none.
        batch_size: Maximum batch size.
        learning_rate: Highest learning rate of the schedule; None: the optimizer's own.
        validation_split: Share of the training set that validates, in [0, 1), stratified by class. A
            validation set given to fit replaces it.
        patience: Stop after this number of epochs without a lower validation loss (training loss without
            validation), and end with the best epoch's weights; None: never.
        n_members: Number of networks, trained from seeds that follow from `random_state`, whose mean output
            is the prediction. The first is the one that `n_members=1` trains. Each stops on its own.
        callbacks: Keras callbacks; every training uses copies.
        checkpoint: File that keeps the state after each epoch, from which a killed fit resumes; requires an
            integer as `random_state`. A fit that ends deletes it. Members after the first add `.2`, `.3`.
        engine: How to compute: `"auto"`, or a `mlstm_fcn.Engine`, whose options `set_params` reaches as
            `engine__precision` and so on.
        warm_start: Whether fit continues from the weights of the last fit.
        scaling: `"channel"`: each channel by its mean and standard deviation in the training set;
            `"series"`: each channel of each series by its own; None: not at all.
        missing: `"interpolate"`: linearly in time, held at the ends; `"zero"`: zero after scaling; `"error"`:
            a missing value raises ValueError.
        on_longer: For series longer than the network's fixed length: `"cut"`, `"warn"` (cut with a warning),
            or `"error"`.
        random_state: Decides initial weights, dropout, augmentation, validation split and the order of
            cases: an integer or a `numpy.random.RandomState` for reproducible results, or None.
        verbose: 1 shows a progress bar during fit, 0 nothing.
    """

    recipe: str | Recipe = "default"
    n_epochs: int | FromRecipe | None = FROM_RECIPE
    batch_size: int | FromRecipe = FROM_RECIPE
    learning_rate: float | FromRecipe | None = FROM_RECIPE
    validation_split: float | FromRecipe = FROM_RECIPE
    patience: int | FromRecipe | None = FROM_RECIPE
    n_members: int | FromRecipe = FROM_RECIPE
    callbacks: Sequence[keras.callbacks.Callback] | None = None
    checkpoint: str | Path | None = None
    engine: str | Engine = "auto"
    warm_start: bool = False
    scaling: Literal["channel", "series"] | None = "channel"
    missing: Literal["interpolate", "zero", "error"] = "interpolate"
    on_longer: Literal["warn", "cut", "error"] = "warn"
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    def __new__(cls, *arguments: Any, **parameters: Any) -> Self:
        """Raise a helpful error for unknown parameters; `__init__` does the rest."""
        require_taken(cls, parameters)
        return super().__new__(cls)

    def input_policy(self) -> InputPolicy:
        """How series are read."""
        from mlstm_fcn.fitting import InputPolicy

        return InputPolicy(scaling=self.scaling, missing=self.missing, on_longer=self.on_longer)

    def training_recipe(self) -> Recipe:
        """The recipe with the options that the constructor was given; an error names what is wrong."""
        return Recipe.named(self.recipe, **given({n: getattr(self, n, FROM_RECIPE) for n in _OF_RECIPE}))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name; with `deep` the options of recipe and engine too, as `recipe__...`."""
        parameters: dict[str, Any] = super().get_params(deep=deep)  # type: ignore[misc]
        return {**parameters, **nested_options(parameters)} if deep else parameters

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters; `recipe__...` changes an option of the recipe. An unknown name is a ValueError.

        It resets the estimator, as in all of sktime, unless a fitted network would be built the same.
        """
        changes = flattened(parameters, self.get_params(deep=False), type(self).__name__)
        return super().set_params(**changes)  # type: ignore[misc]
