"""Parameters of training.

Estimators are dataclasses: each field is a constructor parameter, written once with its type and default.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.estimators.documented import Documented
from mlstm_fcn.training.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    import keras


@dataclass(kw_only=True, eq=False, repr=False)
class TrainingParameters(Documented):
    """How an estimator trains, whatever its network.

    Parameters:
        preset: Recipe of training, with the network options that belong to it: `"default"`, `"ensemble"`
            (five networks that vote; where they can, they see series in three ways), or `"paper"`.
            None for one of the parameters down to `member_options` means the preset's value.
        n_epochs: Passes over the training set; goes before `n_steps`.
        n_steps: Gradient steps that decide the number of epochs. With 600 and batches of 16 these are 200
            epochs of up to 48 cases, 600 steps of up to 160, 60 epochs of up to 2400, 9000 steps of up to
            7200, and 20 epochs of more.
        batch_size: Cases a gradient step at most.
        equal_batches: Whether the batches of an epoch have one size, or one fewer; else the last one has what
            is left, as Keras' `fit` does it.
        optimizer: Keras' name of an optimizer, or an optimizer, of which every fit uses a copy. An
            optimizer keeps its learning rate unless `learning_rate` is given, and follows no schedule but
            its own unless `schedule` is given.
        learning_rate: Highest learning rate of the schedule.
        weight_decay: Decoupled weight decay, of `"adamw"`.
        schedule: `"cosine"` (with warm-up), `"plateau"` or `"constant"`; the last for callbacks that set
            the learning rate themselves.
        validation_split: Share of the training set that validates, in [0, 1), stratified by class. A
            validation set given to fit goes before.
        patience: Stop after so many epochs without a lower validation loss (training loss if there is no
            validation), and end with the best epoch's weights.
        keep_best: Whether to end with the best epoch's weights in any case.
        average_weights: Share that a moving average of the weights keeps in each step, in (0, 1); training
            ends with the average, which begins with the weights after the first step. None: with the
            weights themselves. Not together with `keep_best` or `patience`.
        augmentation: Strengths of random changes to the series of each step, by name: `"jitter"`, noise of
            that standard deviation; `"scale"`, a factor on each channel; `"channel_dropout"`, the share of
            channels that are left out; `"shift"` and `"crop"` in time, as shares of the length; `"warp"`,
            the largest relative change of speed; `"mixup"` and `"cutmix"` of two cases, by the parameter of
            their beta distribution. Strengths of values are in units after `scaling`.
        n_members: Networks that are trained, from seeds that follow from `random_state`; the outputs are
            their mean, and they are one model. The first is the network that stands alone with 1.
            Callbacks, stopping and progress are those of each member by itself.
        member_options: Options of the network in which the members differ, as dictionaries that they take in
            turn, such as `({}, {"dilation_scales": 3})`, by the names of the network's config; `()` for members
            that differ in their seeds alone.
        loss: Keras' name of a loss, or a loss; None for the cross-entropy, in regression the squared error.
        callbacks: Keras callbacks; every fit uses copies.
        warm_start: Whether fit goes on from the weights of the last fit.
        checkpoint: Path of a file that keeps the state of training after each epoch. If a fit was killed,
            the same fit goes on where it was, which needs an integer as `random_state`; a fit that ends
            deletes the file. Members of an ensemble after the first have files with `.2`, `.3` at the end.
        scaling: `"channel"`: each channel by its mean and standard deviation in the training set;
            `"series"`: each channel of each series by its own; None: not at all.
        missing: `"interpolate"`: linearly in time, held at the ends; `"zero"`: zero after scaling, which
            with scaling is the mean; `"error"`: a missing value raises ValueError.
        on_longer: What becomes of series longer than the longest training series, where the network has a
            fixed length: `"cut"` drops what is too long, `"warn"` does so with a warning, and `"error"`
            raises ValueError.
        random_state: Decides initial weights, dropout, augmentation, validation split and the order of
            cases: an integer or a `numpy.random.RandomState` for reproducible results, or None.
        verbose: 1 shows a progress bar during fit, 0 nothing.
    """

    preset: str = "default"
    n_epochs: int | None = None
    n_steps: int | None = None
    batch_size: int | None = None
    equal_batches: bool | None = None
    optimizer: str | keras.optimizers.Optimizer | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    schedule: Literal["cosine", "plateau", "constant"] | None = None
    validation_split: float | None = None
    patience: int | None = None
    keep_best: bool | None = None
    average_weights: float | None = None
    augmentation: Mapping[str, float] | None = None
    n_members: int | None = None
    member_options: Sequence[Mapping[str, Any]] | None = None
    loss: str | keras.losses.Loss | None = None
    callbacks: Sequence[keras.callbacks.Callback] | None = None
    warm_start: bool = False
    checkpoint: str | Path | None = None
    scaling: Literal["channel", "series"] | None = "channel"
    missing: Literal["interpolate", "zero", "error"] = "interpolate"
    on_longer: Literal["warn", "cut", "error"] = "warn"
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    def _recipe(self) -> Recipe:
        """The preset, with the user's changes."""
        require_choice("preset", self.preset, RECIPES)
        given = {field.name: getattr(self, field.name, None) for field in dataclasses.fields(Recipe)}
        changes = {name: value for name, value in given.items() if value is not None}
        if not isinstance(changes.get("optimizer", ""), str):  # an optimizer knows its learning rate
            changes = {"learning_rate": None, "schedule": "constant", **changes}
        if "n_steps" in changes:  # instead of the preset's epochs
            changes = {"n_epochs": None, **changes}
        if "weight_decay" in changes:
            optimizer = changes.get("optimizer", RECIPES[self.preset].optimizer)
            rule = "`weight_decay` is of optimizer='adamw'."
            require(optimizer == "adamw", rule, weight_decay=self.weight_decay, optimizer=optimizer)
        return dataclasses.replace(RECIPES[self.preset], **changes)


_OF_TRAINING = {field.name for kind in (TrainingParameters, Recipe) for field in dataclasses.fields(kind)} - {
    "scaling",
    "missing",
}


def network_parameters(estimator: Any) -> dict[str, Any]:
    """Parameters that decide what is built, and so cannot change where a training goes on."""
    parameters = estimator.get_params(deep=False)
    return {name: value for name, value in parameters.items() if name not in _OF_TRAINING}


def require_same_network(estimator: Any, before: dict[str, Any]) -> None:
    """Raise if such a parameter differs; a user's function that a file could not hold may be given again.

    Args:
        estimator: Has the values now.
        before: Values to compare with, by name.

    Raises:
        ValueError: Names what is different.
    """
    now = network_parameters(estimator)
    given_again = {"network"} if before.get("network", "") is None else set()
    names = sorted(before.keys() - given_again)
    same = {name: now[name] is before[name] or now[name] == before[name] for name in names}
    changed = {name: now[name] for name in names if not same[name]}
    rule = "Training that goes on keeps the network, `scaling` and `missing`; else fit a new estimator."
    require(not changed, rule, **changed)
