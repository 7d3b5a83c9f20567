"""The perceptron baseline (Wang et al. 2017)."""

from dataclasses import dataclass
from typing import Literal

import keras

from mlstm_fcn._checks import require
from mlstm_fcn.layers.tensor import Tensor
from mlstm_fcn.models.blocks import pool
from mlstm_fcn.models.options import LearnedConfig


@dataclass(frozen=True, kw_only=True)
class MLPConfig(LearnedConfig):
    """Options of the perceptron, which reads series of one fixed length.

    Attributes:
        units: Number of units of each hidden layer.
        dropouts: Dropout rates before each hidden layer and before the output, each in [0, 1); one more than
            `units`.

    Raises:
        ValueError: If a value is out of its range.

    References:
        Wang, Yan, Oates: Time series classification from scratch, arXiv 1611.06455, figure 1a.
    """

    units: tuple[int, ...] = (500, 500, 500)
    dropouts: tuple[float, ...] = (0.1, 0.2, 0.2, 0.3)
    head: Literal["average", "max", "flatten"] = "flatten"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_sizes("units")
        rule = "`dropouts` must have one element more than `units`."
        require(len(self.dropouts) == len(self.units) + 1, rule, dropouts=self.dropouts)
        rule = "Each of `dropouts` must be in [0, 1)."
        require(all(0 <= share < 1 for share in self.dropouts), rule, dropouts=self.dropouts)


def mlp(config: MLPConfig, series: Tensor, mask: Tensor | None) -> Tensor:
    """The features of a perceptron. See `models.MODELS` for arguments and result."""
    features = pool(series, mask, config.head)
    for number, (units, dropout) in enumerate(zip(config.units, config.dropouts, strict=False), 1):
        features = keras.layers.Dropout(dropout, name=f"dropout_{number}")(features)
        features = keras.layers.Dense(units, activation="relu", name=f"dense_{number}")(features)
    return keras.layers.Dropout(config.dropouts[-1], name="dropout")(features)
