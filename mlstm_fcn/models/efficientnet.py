"""EfficientNet for series: inverted bottlenecks, and one coefficient for depth, width and length."""

from dataclasses import dataclass
from math import ceil

import keras

from mlstm_fcn._checks import require
from mlstm_fcn.models.blocks import conv_block, conv_norm, pool, resample, squeeze_excite, strided_mask
from mlstm_fcn.models.options import SqueezeExciteConfig

DEPTH, WIDTH, LENGTH = 1.2, 1.1, 1.15**2
_MULTIPLE = 8  # of which numbers of filters are rounded multiples


@dataclass(frozen=True, kw_only=True)
class EfficientNetConfig(SqueezeExciteConfig):
    """What distinguishes one EfficientNet from another, beside the options of `SqueezeExciteConfig`.

    The blocks of `se_blocks` are the stages. The defaults are the first four stages of EfficientNet-B0.

    Attributes:
        phi: Compound coefficient, from 0: depth grows with 1.2 ** phi, width with 1.1 ** phi, and the series
            are made 1.15 ** (2 phi) times as long. So each step of it takes 1.9 times the operations. Unless
            it is 0, numbers of filters are rounded to multiples of 8, and numbers of bottlenecks up.
        stem: Filters of the first convolution.
        expansions: By how much the inverted bottlenecks of each stage widen (MBConv1, MBConv6).
        filters: What the bottlenecks of each stage give.
        units: Number of bottlenecks in each stage.
        kernel_sizes: Kernel size of their depthwise convolution, in steps.
        strides: Steps from one output to the next in the first bottleneck of each stage.
        top: Filters of the last convolution, of one step.

    Raises:
        ValueError: If a value is out of its range.

    Deviations:
        An image grows in two dimensions, so operations grow with depth, width squared and resolution squared.
        A series has one: here it takes both, so that the balance of the paper stays. Neither the stem
        nor the stages stride, since series are shorter than images: on held-back training cases of Libras,
        NATOPS and JapaneseVowels, EfficientNet-B0's strides (1, 2, 2, 2) cost 8 to 27 points of accuracy;
        they are for series of thousands of steps. As in MBConv, the reduction of squeeze-and-excitation
        is of the channels before they are widened: `reduction=4` leaves a quarter of those; it
        has a ReLU and no biases, as everywhere in this package. The last convolution has 320 filters and not
        1280, after four stages instead of seven. There is no dropout and no stochastic depth.

    References:
        Tan, Le: EfficientNet, arXiv 1905.11946, equations 2 and 3, table 1, section 5.
    """

    reduction: int | None = 4
    phi: float = 0.0
    stem: int = 32
    expansions: tuple[int, ...] = (1, 6, 6, 6)
    filters: tuple[int, ...] = (16, 24, 40, 80)
    units: tuple[int, ...] = (1, 2, 2, 3)
    kernel_sizes: tuple[int, ...] = (3, 3, 5, 3)
    strides: tuple[int, ...] = (1, 1, 1, 1)
    top: int = 320

    def __post_init__(self) -> None:
        require(self.phi >= 0, "`phi` must not be negative.", phi=self.phi)
        self._require_sizes("filters")
        for name in ("expansions", "units", "kernel_sizes", "strides"):
            self._require_sizes(name, like="filters")
        super().__post_init__()

    @property
    def block_numbers(self) -> range:
        """The stages' numbers, from 1."""
        return range(1, len(self.filters) + 1)

    def width(self, filters: int) -> int:
        """A number of filters at this `phi`: the nearest multiple of 8, but not less than nine tenths."""
        if self.phi == 0:
            return filters
        wanted = filters * WIDTH**self.phi
        rounded = max(_MULTIPLE, int(wanted + _MULTIPLE / 2) // _MULTIPLE * _MULTIPLE)
        return rounded if rounded >= 0.9 * wanted else rounded + _MULTIPLE

    def depth(self, units: int) -> int:
        """A number of bottlenecks at this `phi`, rounded up."""
        return ceil(units * DEPTH**self.phi)


def efficientnet(config: EfficientNetConfig, series, mask):
    """The features of an EfficientNet. See `models.MODELS` for what it takes and gives."""
    if config.phi > 0:
        series, mask = resample(series, mask, LENGTH**config.phi)
    sizes = {"filters": config.width(config.stem), "kernel_size": 3}
    series = conv_block(series, mask, config=config, name="stem", activation="silu", **sizes)
    for stage in config.block_numbers:
        for unit in range(1, config.depth(config.units[stage - 1]) + 1):
            strides = config.strides[stage - 1] if unit == 1 else 1
            series = _bottleneck(config, series, mask, stage, strides, f"{stage}_{unit}")
            mask = strided_mask(mask, strides)
    sizes = {"filters": config.width(config.top), "kernel_size": 1}
    series = conv_block(series, mask, config=config, name="top", activation="silu", **sizes)
    return pool(series, mask, config.head)


def _bottleneck(config, series, mask, stage, strides, name):
    """MBConv: widen, convolve each channel, squeeze-and-excitation, narrow; and a shortcut where it fits."""
    before, filters = series, config.width(config.filters[stage - 1])
    channels = series.shape[-1]
    wide = channels * config.expansions[stage - 1]
    options = {"config": config, "activation": "silu"}
    if wide > channels:
        series = conv_block(series, mask, filters=wide, kernel_size=1, name=f"widen_{name}", **options)
    sizes = {"filters": wide, "kernel_size": config.kernel_sizes[stage - 1]}
    sizes |= {"groups": wide, "strides": strides}
    series = conv_block(series, mask, name=f"depthwise_{name}", **sizes, **options)
    mask = strided_mask(mask, strides)
    if config.has_squeeze_excite(stage):
        ratio = config.reduction * config.expansions[stage - 1]
        series = squeeze_excite(series, mask, config=config, name=name, reduction=ratio)
    series = conv_norm(series, mask, filters=filters, kernel_size=1, config=config, name=f"narrow_{name}")
    if strides == 1 and channels == filters:
        series = keras.layers.Add(name=f"sum_{name}")([before, series])
    return series
