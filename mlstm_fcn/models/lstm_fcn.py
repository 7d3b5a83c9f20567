"""The LSTM-FCN family: FCN, LSTM-FCN, ALSTM-FCN, MLSTM-FCN and MALSTM-FCN (Karim et al. 2017, 2019)."""

from dataclasses import dataclass
from typing import Literal

import keras

from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.layers import AttentionLSTM
from mlstm_fcn.layers.squeeze_excite import GATES, SQUEEZES
from mlstm_fcn.models.blocks import POOLS, conv_block, pool, squeeze_excite, zero_invalid

_UNROLLED = 16  # steps; so few cost more as a loop than as copies of the cell


@dataclass(frozen=True, kw_only=True)
class LSTMFCNConfig:
    """What distinguishes one network of the family from another.

    Attributes:
        filters: Filters of each convolution block.
        kernel_sizes: Kernel size of each block, in steps; as many as `filters`.
        batch_norm_momentum: Share of the old moving statistics that one training step keeps, in [0, 1).
        reduction: Ratio of squeeze-and-excitation; None for none.
        se_blocks: Which blocks squeeze-and-excitation follows, numbered from 1; None for all of them.
        squeeze: Its squeeze, `"mean"` or `"max"`.
        gate: Its activation, `"sigmoid"`, `"tanh"` or `"relu"`.
        recurrent: The branch beside the convolutions: `"lstm"`, `"attention_lstm"`, or None for none.
        lstm_units: Units of that branch; the paper searches 8 to 128.
        dropout: Share of the branch's output that training drops, in [0, 1).
        dimension_shuffle: Whether the branch reads the transposed series, `channels` steps of `time`
            features, which needs a fixed length. `"auto"`: if time is fixed and exceeds channels.
        head: How the convolutions' output is summarised: `"average"`, `"max"` or `"flatten"` (over
            time; flatten needs a fixed length).

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
    batch_norm_momentum: float = 0.99
    reduction: int | None = 16
    se_blocks: tuple[int, ...] | None = None
    squeeze: Literal["mean", "max"] = "mean"
    gate: Literal["sigmoid", "tanh", "relu"] = "sigmoid"
    recurrent: Literal["lstm", "attention_lstm"] | None = "lstm"
    lstm_units: int = 8
    dropout: float = 0.8
    dimension_shuffle: bool | Literal["auto"] = "auto"
    head: Literal["average", "max", "flatten"] = "average"

    def __post_init__(self) -> None:
        for name in ("filters", "kernel_sizes"):
            require(
                len(getattr(self, name)) > 0, f"`{name}` must not be empty.", **{name: getattr(self, name)}
            )
            for size in getattr(self, name):
                require_positive_int(name, size)
        require(
            len(self.filters) == len(self.kernel_sizes),
            "`filters` and `kernel_sizes` must be equally many.",
            filters=self.filters,
            kernel_sizes=self.kernel_sizes,
        )
        if self.reduction is not None:
            require_positive_int("reduction", self.reduction)
        require(
            all(block in self.block_numbers for block in self.se_blocks or ()),
            f"`se_blocks` must be block numbers from 1 to {len(self.filters)}.",
            se_blocks=self.se_blocks,
        )
        require_choice("squeeze", self.squeeze, SQUEEZES)
        require_choice("gate", self.gate, GATES)
        require_choice("recurrent", self.recurrent, ("lstm", "attention_lstm", None))
        require_positive_int("lstm_units", self.lstm_units)
        for name in ("batch_norm_momentum", "dropout"):
            require(
                0 <= getattr(self, name) < 1, f"`{name}` must be in [0, 1).", **{name: getattr(self, name)}
            )
        require_choice("dimension_shuffle", self.dimension_shuffle, ("auto", True, False))
        require_choice("head", self.head, POOLS)

    @property
    def block_numbers(self) -> range:
        """The blocks' numbers, from 1."""
        return range(1, len(self.filters) + 1)

    def has_squeeze_excite(self, block: int) -> bool:
        """Whether squeeze-and-excitation follows a block, given by its number from 1."""
        return self.reduction is not None and (self.se_blocks is None or block in self.se_blocks)

    def shuffles(self, time: int | None, channels: int) -> bool:
        """Whether the recurrent branch reads the transposed series, for series of this shape."""
        if self.dimension_shuffle == "auto":
            return time is not None and time > channels
        return self.dimension_shuffle

    def fixes_length(self, time: int | None, channels: int) -> bool:
        """Whether the network reads series of one length only, for series of this shape."""
        shuffled = self.recurrent is not None and self.shuffles(time, channels)
        return shuffled or self.head == "flatten"


def lstm_fcn(
    config: LSTMFCNConfig,
    input_shape: tuple[int | None, int],
    n_outputs: int,
    *,
    activation: str,
    masked: bool,
    name: str,
) -> keras.Model:
    """Build the network of a config; the arguments are those of `mlstm_fcn.models.build`."""
    time, channels = input_shape
    _require_length(config, time, channels)
    series = keras.Input((time, channels), name="series")
    mask = keras.Input((time,), dtype="bool", name="mask") if masked else None
    features = _convolution_branch(config, series, mask)
    if config.recurrent is not None:
        shuffle = config.shuffles(time, channels)
        features = keras.layers.Concatenate(name="features")(
            [_recurrent_branch(config, zero_invalid(series, mask), mask, shuffle), features]
        )
    output = keras.layers.Dense(n_outputs, activation=activation, dtype="float32", name="output")(features)
    return keras.Model(series if mask is None else [series, mask], output, name=name)


def _convolution_branch(config, series, mask):
    for number, filters, kernel_size in zip(
        config.block_numbers, config.filters, config.kernel_sizes, strict=True
    ):
        series = conv_block(
            series,
            mask,
            filters=filters,
            kernel_size=kernel_size,
            momentum=config.batch_norm_momentum,
            number=number,
        )
        if config.has_squeeze_excite(number):
            series = squeeze_excite(
                series,
                mask,
                reduction=config.reduction,
                squeeze=config.squeeze,
                gate=config.gate,
                number=number,
            )
    return pool(series, mask, config.head)


def _recurrent_branch(config, series, mask, shuffle):
    if shuffle:
        series = keras.layers.Permute((2, 1), name="dimension_shuffle")(series)
        mask = None  # the steps are now the channels, and they are all there
    if config.recurrent == "attention_lstm":
        layer = AttentionLSTM(config.lstm_units, name="attention_lstm")
    else:
        few_steps = series.shape[1] is not None and series.shape[1] <= _UNROLLED
        layer = keras.layers.LSTM(config.lstm_units, unroll=few_steps, name="lstm")
    state = layer(series, mask=mask)
    return keras.layers.Dropout(config.dropout, name="dropout")(state)


def _require_length(config, time, channels):
    rule = "needs a fixed length: give `time`, or choose otherwise."
    require(
        time is not None or config.dimension_shuffle is not True,
        f"`dimension_shuffle=True` {rule}",
        input_shape=(time, channels),
    )
    require(
        time is not None or config.head != "flatten", f"`head='flatten'` {rule}", input_shape=(time, channels)
    )
