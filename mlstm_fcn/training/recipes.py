"""Named recipes: how a network is trained, and the network options that belong to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.training.augmentation import require_augmentation

if TYPE_CHECKING:
    import keras

OPTIMIZERS = (
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "ftrl",
    "lamb",
    "lion",
    "nadam",
    "rmsprop",
    "sgd",
)
LEAST_EPOCHS, MOST_EPOCHS = 20, 200
ENOUGH_BATCHES, MOST_BUDGETS = 10, 15
SCHEDULES = ("cosine", "plateau", "constant")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A way to train.

    Attributes:
        n_epochs: Passes over the training set; None for those that `n_steps` make.
        n_steps: Gradient steps that decide the number of epochs: as many epochs as hold them, where more than
            ENOUGH_BATCHES an epoch count as so many, up to MOST_BUDGETS times the steps, at least
            LEAST_EPOCHS and at most MOST_EPOCHS. 600 are 60 epochs of 160 to 2400 cases in batches of 16.
        batch_size: Cases a gradient step at most.
        equal_batches: Whether an epoch is divided into batches of one size, or one fewer; else its last batch
            has what is left, perhaps a single case, whose statistics batch normalisation then takes.
        optimizer: Keras' name of an optimizer, or an optimizer, of which every training uses a copy.
        learning_rate: The highest learning rate of the schedule; None for the optimizer's own.
        weight_decay: Decoupled weight decay, where `optimizer` is `"adamw"`.
        schedule: `"cosine"`: linear warm-up over the first tenth of all steps, then a half cosine down
            to zero. `"plateau"`: times 1/cbrt(2), not below a tenth, whenever the training loss has not
            improved for 100 epochs. `"constant"`: as the optimizer has it.
        label_smoothing: Share of a class target that is spread over all classes, in [0, 1).
        class_weight: `"balanced"` weighs each class by n_cases / (n_classes * count); a dictionary has a
            weight for each label; None: equally.
        validation_split: Share of the training set that is set aside for validation, in [0, 1).
        patience: Stop when this many epochs in a row have not lowered the validation loss, or without
            validation the training loss; None: never.
        keep_best: Whether to end with the weights of the epoch in which that loss was lowest.
        average_weights: Share of the old that a moving average of the weights keeps in each step, in (0, 1);
            training ends with the average, beside the last statistics of batch normalisation. It begins
            with the weights after the first step, so it should be far below one for few steps. None: training
            ends with the weights themselves.
        augmentation: Strengths of random changes to the series of each step, by name; see
            `training.augmentation`.
        n_members: Networks that are trained, from different seeds, and vote.
        network_options: Options for the network, where the user gives none.
        member_options: Options in which the networks of an ensemble differ, taken in turn; none: they differ
            in their seeds alone.
    """

    n_epochs: int | None = None
    n_steps: int | None = 600
    batch_size: int = 16
    equal_batches: bool = True
    optimizer: str | keras.optimizers.Optimizer = "adamw"
    learning_rate: float | None = 1e-3
    weight_decay: float = 1e-2
    schedule: Literal["cosine", "plateau", "constant"] = "cosine"
    label_smoothing: float = 0.1
    class_weight: Literal["balanced"] | Mapping[object, float] | None = None
    validation_split: float = 0.0
    patience: int | None = None
    keep_best: bool = False
    average_weights: float | None = None
    augmentation: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    n_members: int = 1
    network_options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    member_options: Sequence[Mapping[str, object]] = ()

    def __post_init__(self) -> None:
        rule = "A recipe needs `n_epochs` or `n_steps`."
        require(self.n_epochs is not None or self.n_steps is not None, rule)
        for name in ("n_epochs", "n_steps"):
            if getattr(self, name) is not None:
                require_positive_int(name, getattr(self, name))
        for name in ("batch_size", "n_members"):
            require_positive_int(name, getattr(self, name))
        if isinstance(self.optimizer, str):
            require_choice("optimizer", self.optimizer, OPTIMIZERS)
        if self.learning_rate is not None:
            require(
                self.learning_rate > 0, "`learning_rate` must be positive.", learning_rate=self.learning_rate
            )
        require_choice("schedule", self.schedule, SCHEDULES)
        for name in ("label_smoothing", "validation_split"):
            require(
                0 <= getattr(self, name) < 1, f"`{name}` must be in [0, 1).", **{name: getattr(self, name)}
            )
        if self.patience is not None:
            require_positive_int("patience", self.patience)
        if self.average_weights is not None:
            rule = "`average_weights` must be between 0 and 1."
            require(0 < self.average_weights < 1, rule, average_weights=self.average_weights)
            rule = "`average_weights` and the best epoch (`keep_best`, `patience`) exclude each other."
            require(not self.keep_best and self.patience is None, rule)
        require(
            self.weight_decay >= 0, "`weight_decay` must not be negative.", weight_decay=self.weight_decay
        )
        require_augmentation(self.augmentation)
        rule = "`member_options` must be a list or tuple of dictionaries of options."
        kinds = self.member_options
        good = isinstance(kinds, list | tuple) and all(isinstance(kind, Mapping) for kind in kinds)
        require(good, rule, member_options=kinds)

    def options_of(self, member: int) -> dict[str, object]:
        """The options in which a network of an ensemble, counted from 0, differs from the others."""
        return dict(self.member_options[member % len(self.member_options)]) if self.member_options else {}

    def epochs(self, n_cases: int) -> int:
        """Passes over a training set of so many cases."""
        if self.n_epochs is not None:
            return self.n_epochs
        assert self.n_steps is not None
        batches = -(-n_cases // self.batch_size)
        epochs = min(self.n_steps / min(batches, ENOUGH_BATCHES), MOST_BUDGETS * self.n_steps / batches)
        return min(max(round(epochs), LEAST_EPOCHS), MOST_EPOCHS)


PAPER = Recipe(
    n_epochs=250,
    batch_size=128,
    equal_batches=False,
    optimizer="adam",
    schedule="plateau",
    label_smoothing=0.0,
    class_weight="balanced",
    keep_best=True,
    network_options=MappingProxyType(
        {"se_blocks": (1, 2), "batch_norm_momentum": 0.99, "dilation_rates": None}
    ),
)
"""The recipe of Karim et al. 2019 (arXiv 1801.04503).

Stated there: Adam from 1e-3, divided by cbrt(2) down to 1e-4; batches of 128; 250 epochs "unless stated";
classes weighted by their inverse frequency; squeeze-and-excitation after the first two blocks. What the
paper, its authors' code and this recipe do differently or leave open:

* Learning rate. The paper says after every 100 epochs; the code, after 100 epochs without a better loss,
  as here. At that pace 1e-4 is out of reach within 250 epochs.
* Model selection. The paper says nothing. The code kept the epoch of the best accuracy *on the test set*
  until September 2018, when the published figures had been made, and the lowest training loss since. Here
  it is the lowest training loss: no test set is ever seen.
* Class weights. The code computed them as an array, which the Keras of its time ignored. Here they work.
* Epochs. The code's scripts run 500 to 1000; the paper's 250 are taken.
* LSTM units. The paper searches 8 to 128 for every data set; most scripts have 8, as here.
* Gates. Keras 2's LSTM had the hard sigmoid; here it is the sigmoid.
* Scaling. The authors' prepared data were standardised over training and test set together; here the
  statistics are those of the training set.
"""

DEFAULT = Recipe()
"""Chosen on training data alone; docs/recipe.md has the study and its gaps. The network has the
defaults of its config."""

ENSEMBLE = replace(
    DEFAULT,
    n_members=5,
    member_options=(
        MappingProxyType({}),
        MappingProxyType({"first_differences": True}),
        MappingProxyType({"dilation_scales": 3}),
    ),
)
"""Members that see series in three ways; docs/accuracy.md has what that is worth."""

RECIPES = {"default": DEFAULT, "ensemble": ENSEMBLE, "paper": PAPER}
