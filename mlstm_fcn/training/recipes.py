"""Named recipes: how a network is trained, and the network options that belong to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn._options import frozen
from mlstm_fcn.training.augmentation import require_augmentation
from mlstm_fcn.training.budget import epochs_for
from mlstm_fcn.training.optimizer_options import require_optimizer

if TYPE_CHECKING:
    import keras

_N_STEPS, _LEARNING_RATE, _WEIGHT_DECAY, _LABEL_SMOOTHING = 600, 1e-3, 1e-2, 0.1


@dataclass(frozen=True, kw_only=True, repr=False)
class Recipe:
    """How to train. Its defaults are the default recipe; `Recipe.named("paper")` is the paper's.

    An option that is `"auto"` depends on another one. It is resolved when the recipe is made, so that every
    field says what training does.

    Attributes:
        n_epochs: Number of epochs; None if `n_steps` decides it.
        n_steps: Gradient steps that decide the number of epochs if `n_epochs` is None, see `training.budget`:
            600 by default, which is 200 epochs for up to 48 cases and 60 for 160 to 2400.
        batch_size: Maximum batch size.
        equal_batches: Whether the batches of an epoch differ in size by at most one case. False: the last one
            holds the rest, as in Keras' `fit`; batch normalisation takes its statistics, even of one case.
        optimizer: Keras' name of an optimizer, or an optimizer object, of which every training uses a copy.
        learning_rate: The highest learning rate of the schedule: 0.001 by default; None, the default with an
            optimizer object: the optimizer's own.
        weight_decay: Decoupled weight decay: 0.01 by default. Requires `optimizer="adamw"`; None with others.
        schedule: `"cosine"`, the default: linear warm-up over the first tenth of all steps, then half a
            cosine down to zero. `"plateau"`: times 1/cbrt(2), not below a tenth, whenever the training loss
            has not improved for 100 epochs. `"constant"`, the default with an optimizer object: as the
            optimizer has it.
        loss: Keras' name of a loss, or a loss object. None: cross-entropy, in regression squared error.
        label_smoothing: Share of a class target that is spread over all classes, in [0, 1): 0.1 by default.
            Applies only to the default loss; 0 with another.
        class_weight: `"balanced"` weights each class by n_cases / (n_classes * count). A dictionary has a
            weight for each label. None: equal weights.
        validation_split: Share of the training set that validates, in [0, 1), stratified by class.
        patience: Stop after this number of epochs without a lower validation loss (training loss without
            validation), and end with the weights of the best epoch; None: never.
        keep_best: Whether to end with the weights of the epoch of the lowest loss in any case.
        average_weights: Share that a moving average of the weights keeps in each step, in (0, 1). Training
            ends with the average, which starts at the weights after the first step. None: no average. Cannot
            be combined with `keep_best` or `patience`.
        augmentation: Strengths of random changes to the series of each step, by name, in units after scaling;
            see `training.augmentation.CHANGES` and `MIXTURES`.
        n_members: Number of networks, trained from different seeds, that vote by their outputs, see `vote`.
        vote: `"mean"`: members count equally. `"worth"`: ways to train count by the fourth power of their
            accuracy on a third of the cases, which of several members that are trained by gradient the last
            one leaves out. With one such member alone all count equally.
        network_options: Options of the network where the caller gives none, as far as the network has them.
        member_options: Options in which the members differ, taken in turn; empty: members differ in their
            seeds alone. The option `network` names a member's network of its own.
        caller_first: Whether the caller's network options replace `member_options`, as in a named recipe;
            otherwise `member_options` replace them.

    Raises:
        ValueError: If a value is out of its range, or two options contradict each other.
    """

    n_epochs: int | None = None
    n_steps: int | None = _N_STEPS
    batch_size: int = 16
    equal_batches: bool = True
    optimizer: str | keras.optimizers.Optimizer = "adamw"
    learning_rate: float | Literal["auto"] | None = "auto"
    weight_decay: float | Literal["auto"] | None = "auto"
    schedule: Literal["cosine", "plateau", "constant", "auto"] = "auto"
    loss: str | keras.losses.Loss | None = None
    label_smoothing: float | Literal["auto"] = "auto"
    class_weight: Literal["balanced"] | Mapping[Any, float] | None = None
    validation_split: float = 0.0
    patience: int | None = None
    keep_best: bool = False
    average_weights: float | None = None
    augmentation: Mapping[str, float] = field(default_factory=dict)
    n_members: int = 1
    vote: Literal["mean", "worth"] = "mean"
    network_options: Mapping[str, Any] = field(default_factory=dict)
    member_options: Sequence[Mapping[str, Any]] = ()
    caller_first: bool = False

    def __post_init__(self) -> None:
        self._resolve()
        require(bool(self.n_epochs or self.n_steps), "A recipe requires `n_epochs` or `n_steps`.")
        for name in ("n_epochs", "n_steps", "patience", "batch_size", "n_members"):
            if getattr(self, name) is not None or name in ("batch_size", "n_members"):
                require_positive_int(name, getattr(self, name))
        require_optimizer(self.optimizer, self.learning_rate, self.schedule, self.weight_decay)
        for name in ("label_smoothing", "validation_split"):
            value: Any = getattr(self, name)
            good = isinstance(value, Real) and 0 <= float(value) < 1
            require(good, f"`{name}` must be in [0, 1).", **{name: value})
        smoothing, rule = (
            self.label_smoothing,
            "`label_smoothing` applies only to the default loss, not `loss`.",
        )
        require(not (smoothing and self.loss), rule, label_smoothing=smoothing, loss=self.loss)
        require_choice("vote", self.vote, ("mean", "worth"))
        share: Any = self.average_weights
        rule = "`average_weights` must be between 0 and 1."
        require(share is None or 0 < share < 1, rule, average_weights=share)
        rule = "`average_weights` cannot be combined with the best epoch (`keep_best`, `patience`)."
        require(share is None or not (self.keep_best or self.patience), rule)
        if self.augmentation != {}:
            require_augmentation(self.augmentation)
        rule = "`member_options` must be a list or tuple of dictionaries of options."
        members: Any = self.member_options
        good = isinstance(members, tuple) and all(isinstance(one, Mapping) for one in members)
        require(good, rule, member_options=members)
        for name in ("equal_batches", "keep_best"):
            require(isinstance(getattr(self, name), bool), f"`{name}` must be True or False.")

    def _resolve(self) -> None:
        """Put values in the place of `"auto"`, and read-only copies in the place of dictionaries."""
        by_name = isinstance(self.optimizer, str)
        defaults = {
            "learning_rate": _LEARNING_RATE if by_name else None,
            "schedule": "cosine" if by_name else "constant",
            "weight_decay": _WEIGHT_DECAY if by_name and self.optimizer == "adamw" else None,
            "label_smoothing": 0.0 if self.loss else _LABEL_SMOOTHING,
        }
        defaults = {name: value for name, value in defaults.items() if getattr(self, name) == "auto"}
        for name, value in {**vars(self), **defaults}.items():
            object.__setattr__(self, name, frozen(value))

    @classmethod
    def named(cls, name: str | Recipe, **changes: Any) -> Recipe:
        """A recipe by name (`"default"`, `"ensemble"`, `"hybrid"`, `"paper"`), or a recipe, with changes."""
        if isinstance(name, Recipe):
            return name.but(**changes)
        require_choice("recipe", name, RECIPES)
        return RECIPES[name].but(**changes)

    def but(self, **changes: Any) -> Recipe:
        """This recipe with changes; an option that depends on a changed one is resolved again.

        An optimizer object keeps its own learning rate and schedule unless they are changed too.
        """
        for name in changes:
            require_choice("recipe option", name, [one.name for one in fields(self)])
        again: dict[str, Any] = {}
        if "optimizer" in changes:
            again["weight_decay"] = "auto"
            if not (isinstance(changes["optimizer"], str) and isinstance(self.optimizer, str)):
                again |= {"learning_rate": "auto", "schedule": "auto"}
        if "loss" in changes:
            again["label_smoothing"] = "auto"
        if "member_options" in changes:
            again["caller_first"] = False
        if changes.get("n_steps") is not None:
            again["n_epochs"] = None
        if changes.get("n_epochs", 0) is None and self.n_steps is None:
            again["n_steps"] = _N_STEPS
        return replace(self, **{**again, **changes}) if changes else self

    def for_one_epoch(self, most_members: int) -> Recipe:
        """This recipe for one more epoch at a constant learning rate, with a maximum number of members."""
        n_members, once = min(self.n_members, most_members), {"n_epochs": 1, "schedule": "constant"}
        return self.but(**once, n_members=n_members, validation_split=0.0, patience=None, keep_best=False)

    def __repr__(self) -> str:
        """The options that differ from the default recipe."""
        default = Recipe()
        values = ((one.name, getattr(self, one.name)) for one in fields(self))
        return f"Recipe({', '.join(f'{n}={v!r}' for n, v in values if v != getattr(default, n))})"

    def __deepcopy__(self, memo: Any) -> Recipe:
        return self  # nothing changes it; objects in it are copied by every training

    def options_of(self, member: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Network options of a member, counted from 0: defaults, and those that replace the caller's."""
        defaults, members = dict(self.network_options), self.member_options
        own = dict(members[member % len(members)]) if members else {}
        return ({**defaults, **own}, {}) if self.caller_first else (defaults, own)

    def n_training(self, n_cases: int) -> int:
        """Number of cases that are trained on where `validation_split` holds back some of all cases."""
        n_training = n_cases - math.ceil(self.validation_split * n_cases)
        require(n_training > 0, "The training set is too small for the `validation_split`.", cases=n_cases)
        return n_training

    def epochs(self, n_cases: int) -> int:
        """Number of epochs for a number of training cases."""
        return self.n_epochs or epochs_for(self.n_steps or 0, n_cases, self.batch_size)

    def most_epochs(self, n_cases: int) -> int:
        """Maximum number of epochs of all members together; with `vote="worth"` one sees fewer cases."""
        return self.n_members * self.epochs(n_cases if self.vote == "mean" else max(1, n_cases // 3))


PAPER = Recipe(
    n_epochs=250,
    n_steps=None,
    batch_size=128,
    equal_batches=False,
    optimizer="adam",
    schedule="plateau",
    label_smoothing=0.0,
    class_weight="balanced",
    keep_best=True,
    network_options={"se_blocks": (1, 2), "batch_norm_momentum": 0.99, "dilation_rates": None},
)
"""The recipe of Karim et al. 2019 (arXiv 1801.04503). Where the paper and its authors' code differ:

* Learning rate. The paper says after every 100 epochs; the code, after 100 epochs without a better loss,
  as here. At that pace 1e-4 is out of reach within 250 epochs.
* Model selection. The code kept the epoch of the best accuracy *on the test set* until September 2018, when
  the published figures had been made, and the lowest training loss since, as here: no test set is ever seen.
* Class weights. The code computed them as an array, which the Keras of its time ignored. Here they work.
* Epochs. The code's scripts run 500 to 1000; here 250, as in the paper.
* LSTM units. The paper searches 8 to 128 for every data set; most scripts have 8, as here.
* Gates and scaling. Keras 2's LSTM had the hard sigmoid; here it is the sigmoid. The authors' prepared data
  were standardised over training and test set together; here the statistics are those of the training set.
"""

DEFAULT = Recipe()  # chosen on training data alone: docs/recipe.md has the study
ENSEMBLE = DEFAULT.but(  # members that see series in three ways
    n_members=5,
    member_options=({}, {"first_differences": True}, {"dilation_scales": 3}),
    caller_first=True,
)

HYBRID = DEFAULT.but(  # two networks, one without a third of the cases, and random convolutions
    n_steps=450,
    n_members=3,
    vote="worth",
    member_options=({}, {}, {"network": "multirocket"}),
    caller_first=True,
)

RECIPES = {"default": DEFAULT, "ensemble": ENSEMBLE, "hybrid": HYBRID, "paper": PAPER}
