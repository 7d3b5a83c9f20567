"""Residual units in stages: ResNet, ResNeXt, SENet and SKNet."""

from dataclasses import dataclass
from typing import Literal

import keras

from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.layers.tensor import Tensor
from mlstm_fcn.models.blocks import conv_norm, pool, selective_kernel, squeeze_excite, strided_mask
from mlstm_fcn.models.options import SqueezeExciteConfig

INTEGRATIONS = ("standard", "pre", "post", "identity")


@dataclass(frozen=True, kw_only=True)
class ResidualConfig(SqueezeExciteConfig):
    """Options of a residual network, in addition to those of `SqueezeExciteConfig`.

    `se_blocks` counts the stages.

    Attributes:
        filters: Number of output filters of the units of each stage.
        units: Number of units in each stage.
        strides: Stride of the first unit of each stage.
        kernel_sizes: Kernel sizes of the convolutions of a unit, in steps, at least one.
        inner_filters: Number of filters, by stage, of all convolutions of a unit except the last; None: as
            `filters`.
        cardinality: Number of groups of the convolutions with a kernel size above 1 (ResNeXt).
        selective_branches: Number of branches of selective kernels (SKNet), which replace the convolutions
            with a kernel size above 1; None for plain convolutions.
        integration: Place of squeeze-and-excitation in a unit: after the residual function and before the sum
            (`"standard"`), before the residual function (`"pre"`), after the sum and its activation
            (`"post"`), on the shortcut (`"identity"`).

    Raises:
        ValueError: If a value is out of its range.

    Deviations:
        A shortcut between equal numbers of channels is the identity; the code of Wang et al. normalises it.
        There is no stem before the first stage, since series are shorter than images.

    References:
        He et al.: Deep residual learning, arXiv 1512.03385; Wang, Yan, Oates, arXiv 1611.06455, for series;
        Xie et al.: Aggregated residual transformations, arXiv 1611.05431; Hu et al., arXiv 1709.01507,
        figure 5 for the integrations; Li et al., arXiv 1903.06586, table 1 for SKNet.
    """

    filters: tuple[int, ...] = (64, 128, 128)
    units: tuple[int, ...] = (1, 1, 1)
    strides: tuple[int, ...] = (1, 1, 1)
    kernel_sizes: tuple[int, ...] = (8, 5, 3)
    inner_filters: tuple[int, ...] | None = None
    cardinality: int = 1
    selective_branches: int | None = None
    integration: Literal["standard", "pre", "post", "identity"] = "standard"

    def __post_init__(self) -> None:
        self._require_sizes("filters")
        self._require_sizes("units", like="filters")
        self._require_sizes("strides", like="filters")
        self._require_sizes("kernel_sizes")
        if self.inner_filters is not None:
            self._require_sizes("inner_filters", like="filters")
        super().__post_init__()
        require_positive_int("cardinality", self.cardinality)
        if self.selective_branches is not None:
            require_positive_int("selective_branches", self.selective_branches)
            rule = (
                "With `selective_branches`, the last kernel size must be 1: a unit has no activation there."
            )
            require(self.kernel_sizes[-1] == 1, rule, kernel_sizes=self.kernel_sizes)
            rule = "With `selective_branches` and strides above 1, the first kernel size must be 1."
            strided_first = max(self.strides) == 1 or self.kernel_sizes[0] == 1
            require(strided_first, rule, kernel_sizes=self.kernel_sizes, strides=self.strides)
        require_choice("integration", self.integration, INTEGRATIONS)

    @property
    def block_numbers(self) -> range:
        """The stages' numbers, from 1."""
        return range(1, len(self.filters) + 1)


def residual(config: ResidualConfig, series: Tensor, mask: Tensor | None) -> Tensor:
    """The features of a residual network. See `models.MODELS` for arguments and result."""
    for stage in config.block_numbers:
        for unit in range(1, config.units[stage - 1] + 1):
            strides = config.strides[stage - 1] if unit == 1 else 1
            series = _unit(config, series, mask, stage, strides, f"{stage}_{unit}")
            mask = strided_mask(mask, strides)
    return pool(series, mask, config.head)


def _unit(config, series, mask, stage, strides, name):
    """One unit: the residual function, the shortcut and their sum."""
    filters, mask_after = config.filters[stage - 1], strided_mask(mask, strides)
    integration = config.integration if config.has_squeeze_excite(stage) else None
    shortcut = series
    if strides > 1 or series.shape[-1] != filters:
        sizes = {"filters": filters, "kernel_size": 1, "strides": strides}
        shortcut = conv_norm(series, mask, config=config, name=f"shortcut_{name}", **sizes)
    if integration == "pre":
        series = squeeze_excite(series, mask, config=config, name=name)
    series = _residual_function(config, series, mask, stage, strides, name)
    if integration == "standard":
        series = squeeze_excite(series, mask_after, config=config, name=name)
    if integration == "identity":
        shortcut = squeeze_excite(shortcut, mask_after, config=config, name=name)
    series = keras.layers.Add(name=f"sum_{name}")([shortcut, series])
    series = keras.layers.ReLU(name=f"relu_{name}")(series)
    if integration == "post":
        series = squeeze_excite(series, mask_after, config=config, name=name)
    return series


def _residual_function(config, series, mask, stage, strides, name):
    """Convolutions with activations between them; the first one is strided."""
    last = len(config.kernel_sizes)
    for number, kernel_size in enumerate(config.kernel_sizes, 1):
        inner = config.inner_filters if number < last else None
        sizes = {"filters": (inner or config.filters)[stage - 1], "kernel_size": kernel_size}
        groups = config.cardinality if kernel_size > 1 else 1
        full_name = f"{name}_{number}"
        if config.selective_branches is not None and kernel_size > 1:
            options = {"branches": config.selective_branches, "groups": groups}
            series = selective_kernel(series, mask, config=config, name=full_name, **sizes, **options)
            continue
        options = {"groups": groups, "strides": strides if number == 1 else 1}
        series = conv_norm(series, mask, config=config, name=f"conv_{full_name}", **sizes, **options)
        mask = strided_mask(mask, options["strides"])
        if number < last:
            series = keras.layers.ReLU(name=f"relu_{full_name}")(series)
    return series
