"""Base configs: what every network has, the head and batch normalisation, squeeze-and-excitation."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.layers.squeeze_excite import GATES, SQUEEZES
from mlstm_fcn.models.blocks import POOLS


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """What every network has: how it is trained, and what depends on the shape of its series."""

    trained_by: ClassVar[str] = "gradient"

    def fixes_length(self, time: int | None, channels: int) -> bool:
        """Whether the network reads series of one length only, for series of this shape."""
        return False

    def require_shape(self, time: int | None, channels: int) -> None:
        """Raise if the network cannot read series of this shape.

        Raises:
            ValueError: If the network requires a fixed length and `time` is None.
        """

    def following(self, time: int) -> dict[str, Any]:
        """The options that follow the length of the training series, as numbers."""
        return {}

    def suited(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """A recipe's network options, as far as this network has them.

        `se_blocks` of a recipe number the blocks of MLSTM-FCN, so other networks leave them out.
        """
        known = {one.name for one in fields(self)} - {"se_blocks"}
        return {name: value for name, value in options.items() if name in known}

    def _require_share(self, name: str) -> None:
        value = getattr(self, name)
        require(0 <= value < 1, f"`{name}` must be in [0, 1).", **{name: value})

    def _require_sizes(self, name: str, like: str | None = None) -> None:
        """Raise unless an option is a tuple of positive integers, of the same length as the option `like`."""
        sizes = getattr(self, name)
        require(isinstance(sizes, list | tuple), f"`{name}` must be a tuple of sizes.", **{name: sizes})
        require(len(sizes) > 0, f"`{name}` must not be empty.", **{name: sizes})
        for size in sizes:
            require_positive_int(name, size)
        if like is not None:
            others = getattr(self, like)
            rule = f"`{like}` and `{name}` must have the same length."
            require(len(others) == len(sizes), rule, **{like: others, name: sizes})


@dataclass(frozen=True, kw_only=True)
class LearnedConfig(NetworkConfig):
    """Options of every network that is trained by gradient.

    Attributes:
        batch_norm_momentum: Momentum of the moving statistics of batch normalisation, in [0, 1). Keras'
            default, 0.99, needs more training steps than small data sets have.
        head: Pooling of the last features over time: `"average"`, `"max"`, or `"flatten"`, which requires a
            fixed length.

    Raises:
        ValueError: If a value is out of its range.
    """

    batch_norm_momentum: float = 0.9
    head: Literal["average", "max", "flatten"] = "average"

    def __post_init__(self) -> None:
        self._require_share("batch_norm_momentum")
        require_choice("head", self.head, POOLS)

    def fixes_length(self, time: int | None, channels: int) -> bool:
        """Whether the network reads series of one length only, for series of this shape."""
        return self.head == "flatten"

    def require_shape(self, time: int | None, channels: int) -> None:
        """Raise if the network cannot read series of this shape.

        Raises:
            ValueError: If the network requires a fixed length and `time` is None.
        """
        rule = "`head='flatten'` requires a fixed length: give `time`, or choose another head."
        require(time is not None or self.head != "flatten", rule, input_shape=(time, channels))


@dataclass(frozen=True, kw_only=True)
class SqueezeExciteConfig(LearnedConfig):
    """Options of squeeze-and-excitation in a network whose blocks are numbered from 1.

    Attributes:
        reduction: Reduction ratio; None for no squeeze-and-excitation.
        se_blocks: Numbers of the blocks with squeeze-and-excitation; None for all blocks.
        squeeze: Pooling over time, `"mean"` or `"max"`.
        gate: Activation of the excitation, `"sigmoid"`, `"tanh"` or `"relu"`.

    Raises:
        ValueError: If a value is out of its range.
    """

    reduction: int | None = 16
    se_blocks: tuple[int, ...] | None = None
    squeeze: Literal["mean", "max"] = "mean"
    gate: Literal["sigmoid", "tanh", "relu"] = "sigmoid"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reduction is not None:
            require_positive_int("reduction", self.reduction)
        rule = f"`se_blocks` must be a tuple of block numbers from 1 to {self.block_numbers[-1]}."
        chosen = self.se_blocks or ()
        within = isinstance(chosen, list | tuple) and all(block in self.block_numbers for block in chosen)
        require(within, rule, se_blocks=self.se_blocks)
        require_choice("squeeze", self.squeeze, SQUEEZES)
        require_choice("gate", self.gate, GATES)

    @property
    def block_numbers(self) -> range:
        """The blocks' numbers, from 1."""
        raise NotImplementedError

    def has_squeeze_excite(self, block: int) -> bool:
        """Whether a block, given by its number from 1, has squeeze-and-excitation."""
        return self.reduction is not None and (self.se_blocks is None or block in self.se_blocks)
