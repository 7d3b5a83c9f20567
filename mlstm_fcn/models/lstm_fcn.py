"""Plain convolution blocks beside a recurrent branch: the LSTM-FCN family (Karim et al.), FCN and VGG."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import keras

from mlstm_fcn import engine
from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.layers import AttentionLSTM
from mlstm_fcn.models.blocks import (
    conv_block,
    max_pool,
    pool,
    selective_kernel,
    squeeze_excite,
    strided_mask,
    with_differences,
    zero_invalid,
)
from mlstm_fcn.models.options import SqueezeExciteConfig


@dataclass(frozen=True, kw_only=True)
class LSTMFCNConfig(SqueezeExciteConfig):
    """What distinguishes one network of the family from another, beside the options of `SqueezeExciteConfig`.

    Attributes:
        filters: Filters of each convolution block.
        kernel_sizes: Kernel size of each block, in steps; as many as `filters`.
        dilation_rates: Steps from one element of a kernel to the next, for each block. Or a share in (0, 1],
            a float: of the length of the series, that the blocks should see; from it follows the dilation
            of the first block, doubled from block to block. None: 1 for all.
        dilation_scales: Number of dilations side by side in each block, among which its filters are divided:
            the block's own, and each next one half of the one before, at least 1; at most one per filter.
        first_differences: Whether the convolutions also read the differences between neighbouring steps, as
            further channels.
        convolutions: Number of convolutions in each block; squeeze-and-excitation follows each of them.
        selective_branches: Convolutions are selective kernels with as many branches; None: plain.
        pool_size: Steps of which the maximum is passed on after each block; 1: all of them.
        recurrent: The branch beside the convolutions: `"lstm"`, `"attention_lstm"`, or None for none.
        lstm_units: Units of that branch; the paper searches 8 to 128.
        dropout: Share of the branch's output that training drops, in [0, 1).
        dimension_shuffle: Whether the branch reads the transposed series, `channels` steps of `time`
            features, which needs a fixed length. `"auto"`: if time is fixed and exceeds channels.
            `"both"`: there are two branches, one reads the transposed series, the other the series.

    Raises:
        ValueError: If a value is out of its range.

    Deviations:
        There are two readings of where squeeze-and-excitation stands. The paper and its
        authors' code put it after the first two blocks: `se_blocks=(1, 2)`. Here it follows all three,
        so that the default is one rule without an exception. The paper shuffles dimensions where time
        exceeds channels, which is `"auto"`; the authors' code shuffles always. Their `Masking` layer
        stood on the shuffled axis, where it could only skip a variable that is zero throughout; here
        a mask tells which steps are valid, and there is none where the branch reads variables. Their
        LSTM has Keras 2's hard sigmoid gates; here they are sigmoids.
    """

    filters: tuple[int, ...] = (128, 256, 128)
    kernel_sizes: tuple[int, ...] = (8, 5, 3)
    dilation_rates: tuple[int, ...] | float | None = None
    dilation_scales: int = 1
    first_differences: bool = False
    convolutions: int = 1
    selective_branches: int | None = None
    pool_size: int = 1
    recurrent: Literal["lstm", "attention_lstm"] | None = "lstm"
    lstm_units: int = 8
    dropout: float = 0.8
    dimension_shuffle: bool | Literal["auto", "both"] = "auto"

    def __post_init__(self) -> None:
        self._require_sizes("filters")
        self._require_sizes("kernel_sizes", like="filters")
        if isinstance(self.dilation_rates, float):
            rule = "As a share `dilation_rates` must be in (0, 1], and `pool_size` 1."
            good = 0 < self.dilation_rates <= 1 and self.pool_size == 1
            require(good, rule, dilation_rates=self.dilation_rates, pool_size=self.pool_size)
        elif self.dilation_rates is not None:
            self._require_sizes("dilation_rates", like="filters")
        super().__post_init__()
        for name in ("dilation_scales", "convolutions", "pool_size", "lstm_units"):
            require_positive_int(name, getattr(self, name))
        if self.selective_branches is not None:
            require_positive_int("selective_branches", self.selective_branches)
            rule = "`dilation_scales` and `selective_branches` exclude each other."
            require(
                self.dilation_scales == 1,
                rule,
                dilation_scales=self.dilation_scales,
                selective_branches=self.selective_branches,
            )
        require_choice("recurrent", self.recurrent, ("lstm", "attention_lstm", None))
        self._require_share("dropout")
        require_choice("dimension_shuffle", self.dimension_shuffle, ("auto", "both", True, False))

    @property
    def block_numbers(self) -> range:
        """The blocks' numbers, from 1."""
        return range(1, len(self.filters) + 1)

    def suited(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """A recipe's network options, as far as this network has them; `se_blocks` as far as it has blocks."""
        suited = super().suited(options)
        if self.pool_size > 1:  # pooling widens what the next block sees
            suited.pop("dilation_rates", None)
        if self.selective_branches is not None:  # they have several dilations already
            suited.pop("dilation_scales", None)
        blocks = options.get("se_blocks")
        if blocks and self.recurrent is not None:
            suited["se_blocks"] = tuple(block for block in blocks if block in self.block_numbers)
        return suited

    def dilations(self, time: int | None) -> tuple[int, ...]:
        """The dilation of each block, for series of this length.

        Where `dilation_rates` is a share they are d, 2d, 4d, ... with the d, at least 1, at which the steps
        that the blocks see come closest to that share of the series (kernels 8-5-3 see 1 + 23d steps);
        where `time` is None, d is 1.
        """
        if self.dilation_rates is None:
            return (1,) * len(self.filters)
        if not isinstance(self.dilation_rates, float):
            return tuple(self.dilation_rates)
        doubled = [2**block for block in range(len(self.filters))]
        widest = self.convolutions * (self.selective_branches or 1)
        reach = widest * sum(rate * (size - 1) for rate, size in zip(doubled, self.kernel_sizes, strict=True))
        first = round((self.dilation_rates * time - 1) / reach) if time and reach else 1
        return tuple(max(1, first) * rate for rate in doubled)

    def side_by_side(self, dilation: int) -> tuple[int, ...]:
        """The dilations in a block whose widest one this is."""
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
        """Raise if there is no such network for series of this shape.

        Raises:
            ValueError: If the length must be fixed, and is not.
        """
        chosen = f"`dimension_shuffle={self.dimension_shuffle!r}`"
        rule = f"{chosen} needs a fixed length: give `time`, or choose otherwise."
        fits = time is not None or not any(self.shuffles(time, channels))
        require(fits, rule, input_shape=(time, channels))
        super().require_shape(time, channels)


def lstm_fcn(config: LSTMFCNConfig, series, mask):
    """The features of a network of the family. See `models.MODELS` for what it takes and gives."""
    both = with_differences(series, mask, config=config) if config.first_differences else series
    features = _convolution_branch(config, both, mask)
    if config.recurrent is None:
        return features
    series = zero_invalid(series, mask)
    shuffles = config.shuffles(*series.shape[1:])
    names = ("", "_over_time")  # of the second branch, if there are two
    recurrent = [
        _recurrent_branch(config, series, mask, *each) for each in zip(shuffles, names, strict=False)
    ]
    return keras.layers.Concatenate(name="features")([*recurrent, features])


def _convolution_branch(config, series, mask):
    dilations = config.dilations(series.shape[1])
    for number in config.block_numbers:
        for convolution in range(1, config.convolutions + 1):
            name = f"{number}" if config.convolutions == 1 else f"{number}_{convolution}"
            series = _convolution(config, series, mask, number, name, dilations[number - 1])
        if config.pool_size > 1:
            sizes = {"size": config.pool_size, "strides": config.pool_size}
            series = max_pool(series, mask, name=f"max_pool_{number}", **sizes)
            mask = strided_mask(mask, config.pool_size)
    return pool(series, mask, config.head)


def _convolution(config, series, mask, number, name, dilation):
    sizes = {"filters": config.filters[number - 1], "kernel_size": config.kernel_sizes[number - 1]}
    options = {"config": config, "name": name, **sizes}
    if config.selective_branches is None:
        rates = config.side_by_side(dilation)[: sizes["filters"]]
        rate = dilation if config.dilation_scales == 1 else rates
        series = conv_block(series, mask, dilation_rate=rate, **options)
    else:
        branches = config.selective_branches
        series = selective_kernel(series, mask, branches=branches, dilation_rate=dilation, **options)
    if config.has_squeeze_excite(number):
        series = squeeze_excite(series, mask, config=config, name=name)
    return series


def _recurrent_branch(config, series, mask, shuffle, suffix):
    if shuffle:
        series = keras.layers.Permute((2, 1), name="dimension_shuffle")(series)
        mask = None  # the steps are now the channels, and they are all there
    if config.recurrent == "attention_lstm":
        layer = AttentionLSTM(config.lstm_units, name=f"attention_lstm{suffix}")
    else:
        few_steps = engine.current().unrolls(series.shape[1])
        layer = keras.layers.LSTM(config.lstm_units, unroll=few_steps, name=f"lstm{suffix}")
    state = layer(series, mask=mask)
    return keras.layers.Dropout(config.dropout, name=f"dropout{suffix}")(state)
