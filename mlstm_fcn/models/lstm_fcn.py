"""The LSTM-FCN family (Karim et al. 2017, 2019) and FCN: convolution blocks next to a recurrent branch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras

from mlstm_fcn import engine
from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.layers import AttentionLSTM
from mlstm_fcn.layers.tensor import Tensor
from mlstm_fcn.models.blocks import conv_block, pool, squeeze_excite, with_differences, zero_invalid
from mlstm_fcn.models.options import SqueezeExciteConfig


@dataclass(frozen=True, kw_only=True)
class LSTMFCNConfig(SqueezeExciteConfig):
    """Options of a network of the family, in addition to those of `SqueezeExciteConfig`.

    The network of the paper is the one with `se_blocks=(1, 2)`, `dilation_rates=None` and
    `batch_norm_momentum=0.99`; all other defaults are the paper's. `recipe="paper"` sets these three.

    Attributes:
        filters: Number of filters of each convolution block.
        kernel_sizes: Kernel size of each block, in steps; as many as `filters`.
        dilation_rates: Dilation of each block, in steps. Or a float in (0, 1]: the share of the length of the
            series that the blocks together should see; the dilation of the first block follows from it and
            doubles from block to block. None: 1 for all blocks.
        dilation_scales: Number of parallel dilations in each block, among which its filters are divided: the
            block's own dilation, then each time half of the one before, at least 1. A block has at most one
            per filter.
        first_differences: Whether the convolutions also read the differences between neighbouring steps, as
            further channels.
        recurrent: The recurrent branch: `"lstm"`, `"attention_lstm"`, or None for no branch.
        lstm_units: Number of units of that branch; the paper searches 8 to 128.
        dropout: Dropout rate after the recurrent branch, in [0, 1).
        dimension_shuffle: Whether the recurrent branch reads the transposed series, `channels` steps of
            `time` features, which requires a fixed length. `"auto"`: if time is fixed and exceeds channels.
            `"both"`: there are two branches; one reads the transposed series, the other the series.

    Raises:
        ValueError: If a value is out of its range.

    Deviations:
        Squeeze-and-excitation. The paper and its authors' code apply it after the first two blocks. Here the
        default is after all three, one rule without an exception.
        Dilations. The paper has none. Here the blocks see half of the series by default.
        Batch normalisation. The paper has Keras' momentum of 0.99. Here the default is 0.9, which needs fewer
        steps.
        Dimension shuffle. The paper shuffles where time exceeds channels, which is `"auto"`; the authors'
        code shuffles always.
        Masking. The authors' `Masking` layer acts on the shuffled axis, where it can only skip a variable
        that is zero throughout. Here a mask marks the valid steps; a branch that reads variables as steps
        has no mask.
        Gates. The authors' LSTM has Keras 2's hard sigmoid gates; here they are sigmoids.

    References:
        Karim et al.: Multivariate LSTM-FCNs, arXiv 1801.04503, section III; LSTM Fully Convolutional Networks
        for Time Series Classification, arXiv 1709.05206. For FCN: Wang, Yan, Oates, arXiv 1611.06455.
    """

    filters: tuple[int, ...] = (128, 256, 128)
    kernel_sizes: tuple[int, ...] = (8, 5, 3)
    dilation_rates: tuple[int, ...] | float | None = 0.5
    dilation_scales: int = 1
    first_differences: bool = False
    recurrent: Literal["lstm", "attention_lstm"] | None = "lstm"
    lstm_units: int = 8
    dropout: float = 0.8
    dimension_shuffle: bool | Literal["auto", "both"] = "auto"

    def __post_init__(self) -> None:
        self._require_sizes("filters")
        self._require_sizes("kernel_sizes", like="filters")
        if isinstance(self.dilation_rates, float):
            rule = "As a share of the length, `dilation_rates` must be in (0, 1]."
            require(0 < self.dilation_rates <= 1, rule, dilation_rates=self.dilation_rates)
        elif self.dilation_rates is not None:
            self._require_sizes("dilation_rates", like="filters")
        super().__post_init__()
        for name in ("dilation_scales", "lstm_units"):
            require_positive_int(name, getattr(self, name))
        require_choice("recurrent", self.recurrent, ("lstm", "attention_lstm", None))
        self._require_share("dropout")
        require_choice("dimension_shuffle", self.dimension_shuffle, ("auto", "both", True, False))

    @property
    def block_numbers(self) -> range:
        """The blocks' numbers, from 1."""
        return range(1, len(self.filters) + 1)

    def suited(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """A recipe's network options; `se_blocks` only with the LSTM branch, as far as there are blocks."""
        suited, blocks = super().suited(options), options.get("se_blocks")
        if blocks and self.recurrent is not None:
            suited["se_blocks"] = tuple(block for block in blocks if block in self.block_numbers)
        return suited

    @property
    def reach_factor(self) -> int:
        """How many times as far a block reaches as one convolution with its dilation."""
        return 1

    def dilations(self, time: int | None) -> tuple[int, ...]:
        """The dilation of each block, for series of this length.

        Where `dilation_rates` is a share, they are d, 2d, 4d, ... The d, at least 1, is the one with which
        the receptive field of the blocks is closest to that share of the series (kernels 8-5-3 see 1 + 23d
        steps). Where `time` is None, d is 1.
        """
        if self.dilation_rates is None:
            return (1,) * len(self.filters)
        if not isinstance(self.dilation_rates, float):
            return tuple(self.dilation_rates)
        doubled = [2**block for block in range(len(self.filters))]
        spans = [rate * (size - 1) for rate, size in zip(doubled, self.kernel_sizes, strict=True)]
        reach = self.reach_factor * sum(spans)
        first = round((self.dilation_rates * time - 1) / reach) if time and reach else 1
        return tuple(max(1, first) * rate for rate in doubled)

    def following(self, time: int) -> dict[str, Any]:
        """`dilation_rates` as numbers where they are a share of the length."""
        return {"dilation_rates": self.dilations(time)} if isinstance(self.dilation_rates, float) else {}

    def parallel_dilations(self, dilation: int) -> tuple[int, ...]:
        """The parallel dilations of a block with this dilation, the largest first."""
        return tuple(max(1, dilation // 2**scale) for scale in range(self.dilation_scales))

    def shuffles(self, time: int | None, channels: int) -> tuple[bool, ...]:
        """For each recurrent branch, whether it reads the transposed series, for series of this shape."""
        if self.recurrent is None:
            return ()
        if self.dimension_shuffle == "auto":
            return (time is not None and time > channels,)
        return (True, False) if self.dimension_shuffle == "both" else (self.dimension_shuffle,)

    def fixes_length(self, time: int | None, channels: int) -> bool:
        """Whether the network reads series of one length only, for series of this shape."""
        return any(self.shuffles(time, channels)) or super().fixes_length(time, channels)

    def require_shape(self, time: int | None, channels: int) -> None:
        """Raise if the network cannot read series of this shape.

        Raises:
            ValueError: If the network requires a fixed length and `time` is None.
        """
        chosen = f"`dimension_shuffle={self.dimension_shuffle!r}`"
        rule = f"{chosen} requires a fixed length: give `time`, or set `dimension_shuffle=False`."
        fits = time is not None or not any(self.shuffles(time, channels))
        require(fits, rule, input_shape=(time, channels))
        super().require_shape(time, channels)


def excited_convolution(
    config: LSTMFCNConfig,
    series: Tensor,
    mask: Tensor | None,
    number: int,
    dilation: int,
    name: str,
) -> Tensor:
    """Convolution, batch normalisation, ReLU, and squeeze-and-excitation where the block has it."""
    filters, kernel_size = config.filters[number - 1], config.kernel_sizes[number - 1]
    several = config.dilation_scales > 1
    options: dict[str, Any] = {"filters": filters, "kernel_size": kernel_size, "config": config, "name": name}
    options["dilation_rate"] = config.parallel_dilations(dilation)[:filters] if several else dilation
    series = conv_block(series, mask, **options)
    if config.has_squeeze_excite(number):
        series = squeeze_excite(series, mask, config=config, name=name)
    return series


def lstm_fcn_block(
    config: LSTMFCNConfig,
    series: Tensor,
    mask: Tensor | None,
    number: int,
    dilation: int,
) -> tuple[Tensor, Tensor | None]:
    """A block of the family: one convolution. Returns the series and its mask."""
    return excited_convolution(config, series, mask, number, dilation, f"{number}"), mask


def lstm_fcn(
    config: LSTMFCNConfig,
    series: Tensor,
    mask: Tensor | None,
    block: Callable[..., Any] = lstm_fcn_block,
) -> Tensor:
    """The features of a network of the family. See `models.MODELS` for arguments and result.

    `block` builds one convolution block; it has the arguments and the result of `lstm_fcn_block`.
    """
    features = _convolution_branch(config, series, mask, block)
    if config.recurrent is None:
        return features
    series = zero_invalid(series, mask)
    shuffles = config.shuffles(*series.shape[1:])
    suffixes = ("", "_over_time")  # the second is for the second branch, if there are two
    states = [
        _recurrent_branch(config, series, mask, *branch) for branch in zip(shuffles, suffixes, strict=False)
    ]
    return keras.layers.Concatenate(name="features")([*states, features])


def _convolution_branch(config, series, mask, block):
    if config.first_differences:
        series = with_differences(series, mask, config=config)
    dilations = config.dilations(series.shape[1])
    for number, dilation in zip(config.block_numbers, dilations, strict=True):
        series, mask = block(config, series, mask, number, dilation)
    return pool(series, mask, config.head)


def _recurrent_branch(config, series, mask, shuffle, suffix):
    if shuffle:
        series = keras.layers.Permute((2, 1), name="dimension_shuffle")(series)
        mask = None  # the steps are now the channels, which are all valid
    if config.recurrent == "attention_lstm":
        layer = AttentionLSTM(config.lstm_units, name=f"attention_lstm{suffix}")
    else:
        unroll = engine.current().unrolls(series.shape[1])
        layer = keras.layers.LSTM(config.lstm_units, unroll=unroll, name=f"lstm{suffix}")
    state = layer(series, mask=mask)
    return keras.layers.Dropout(config.dropout, name=f"dropout{suffix}")(state)
