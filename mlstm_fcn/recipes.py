"""Named recipes: how a network is trained, and the network options that belong to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from mlstm_fcn._checks import require, require_choice, require_positive_int


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A way to train.

    Attributes:
        n_epochs: Passes over the training set.
        batch_size: Cases a gradient step, the last one of an epoch perhaps fewer.
        optimizer: `"adam"` or `"adamw"`.
        learning_rate: The highest learning rate of the schedule.
        weight_decay: Decoupled weight decay a step, for AdamW.
        schedule: `"cosine"`: linear warm-up over the first tenth of all steps, then a half cosine down
            to zero. `"plateau"`: times 1/cbrt(2), not below a tenth, whenever the training loss has not
            improved for 100 epochs.
        label_smoothing: Share of the target that is spread over all classes, in [0, 1).
        class_weight: `"balanced"` weighs each class by n_cases / (n_classes * count); None: equally.
        keep_best: Whether to end with the weights of the epoch with the lowest training loss.
        network: Options for the network, where the user gives none.
    """

    n_epochs: int = 60
    batch_size: int = 16
    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    schedule: Literal["cosine", "plateau"] = "cosine"
    label_smoothing: float = 0.1
    class_weight: Literal["balanced"] | None = None
    keep_best: bool = False
    network: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        require_positive_int("n_epochs", self.n_epochs)
        require_positive_int("batch_size", self.batch_size)
        require(self.learning_rate > 0, "`learning_rate` must be positive.", learning_rate=self.learning_rate)
        require_choice("optimizer", self.optimizer, ("adam", "adamw"))
        require_choice("schedule", self.schedule, ("cosine", "plateau"))


PAPER = Recipe(
    n_epochs=250,
    batch_size=128,
    optimizer="adam",
    weight_decay=0.0,
    schedule="plateau",
    label_smoothing=0.0,
    class_weight="balanced",
    keep_best=True,
    network=MappingProxyType({"se_blocks": (1, 2), "batch_norm_momentum": 0.99}),
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

RECIPES = {
    "default": Recipe(network=MappingProxyType({"batch_norm_momentum": 0.9})),
    "paper": PAPER,
}
