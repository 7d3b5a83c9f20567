"""EfficientNet for series: inverted bottlenecks, and one coefficient that scales depth, width and length."""

from dataclasses import dataclass
from math import ceil

import keras

from mlstm_fcn._checks import require
from mlstm_fcn.layers.tensor import Tensor
from mlstm_fcn.models.blocks import conv_block, conv_norm, pool, resample, squeeze_excite, strided_mask
from mlstm_fcn.models.options import SqueezeExciteConfig

DEPTH, WIDTH, LENGTH = 1.2, 1.1, 1.15**2
_MULTIPLE = 8  # numbers of filters are rounded to multiples of it


@dataclass(frozen=True, kw_only=True)
class EfficientNetConfig(SqueezeExciteConfig):
    """Options of an EfficientNet, in addition to those of `SqueezeExciteConfig`.

    `se_blocks` counts the stages. The defaults are the first four stages of EfficientNet-B0.

    Attributes:
        phi: Compound coefficient, at least 0. Depth grows with 1.2 ** phi, width with 1.1 ** phi, and the
            series are resampled to 1.15 ** (2 phi) times their length, so `phi + 1` takes 1.9 times the
            operations of `phi`. Above 0, numbers of filters are rounded to multiples of 8, and numbers of
            bottlenecks are rounded up.
        stem: Number of filters of the first convolution.
        expansions: Expansion factors of the inverted bottlenecks of each stage (MBConv1, MBConv6).
        filters: Number of output filters of the bottlenecks of each stage.
        units: Number of bottlenecks in each stage.
        kernel_sizes: Kernel sizes of their depthwise convolutions, in steps.
        strides: Stride of the first bottleneck of each stage.
        top: Number of filters of the last convolution, which has kernel size 1.

    Raises:
        ValueError: If a value is out of its range.

    Deviations:
        Length. An image grows in two dimensions, so its operations grow with resolution squared. A series
        has one dimension, which grows by the square, so the balance of the paper is kept.
        Strides. Neither the stem nor the stages are strided, since series are shorter than images. On
        held-back training cases of Libras, NATOPS and JapaneseVowels, EfficientNet-B0's strides (1, 2, 2, 2)
        cost 8 to 27 points of accuracy; they are for series of thousands of steps.
        Squeeze-and-excitation. As in MBConv, `reduction` divides the number of channels before the expansion.
        The bottleneck of the gates has a ReLU and no biases, as everywhere in this package.
        Size. There are four stages instead of seven, and the last convolution has 320 filters, not 1280.
        There is no dropout and no stochastic depth.

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
        """A number of filters scaled by `phi`: the nearest multiple of 8 that is at least 90 % of it."""
        if self.phi == 0:
            return filters
        wanted = filters * WIDTH**self.phi
        rounded = max(_MULTIPLE, int(wanted + _MULTIPLE / 2) // _MULTIPLE * _MULTIPLE)
        return rounded if rounded >= 0.9 * wanted else rounded + _MULTIPLE

    def depth(self, units: int) -> int:
        """A number of bottlenecks scaled by `phi`, rounded up."""
        return ceil(units * DEPTH**self.phi)


def efficientnet(config: EfficientNetConfig, series: Tensor, mask: Tensor | None) -> Tensor:
    """The features of an EfficientNet. See `models.MODELS` for arguments and result."""
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
    """MBConv: expansion, depthwise convolution, squeeze-and-excitation, projection, and a shortcut."""
    shortcut, filters = series, config.width(config.filters[stage - 1])
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
        series = keras.layers.Add(name=f"sum_{name}")([shortcut, series])
    return series
