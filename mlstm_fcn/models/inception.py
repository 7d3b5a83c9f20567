"""InceptionTime's network: modules of convolutions of several lengths (Ismail Fawaz et al. 2020)."""

from dataclasses import dataclass

import keras

from mlstm_fcn._checks import require_positive_int
from mlstm_fcn.layers.tensor import Tensor
from mlstm_fcn.models.blocks import conv_norm, max_pool, pool, squeeze_excite
from mlstm_fcn.models.options import SqueezeExciteConfig


@dataclass(frozen=True, kw_only=True)
class InceptionConfig(SqueezeExciteConfig):
    """Options of an Inception network, in addition to those of `SqueezeExciteConfig`.

    `se_blocks` counts the modules.

    Attributes:
        filters: Number of filters of each branch of a module, also of the one after max pooling over 3 steps.
        kernel_sizes: Kernel sizes of the parallel convolutions of a module, in steps.
        bottleneck: Number of filters of the convolution of kernel size 1 before them, which a module has if
            its input has more than one channel.
        depth: Number of modules.
        shortcut_every: Number of modules from one residual connection to the next; each has a convolution of
            kernel size 1.

    Raises:
        ValueError: If a value is out of its range.

    Deviations:
        Each convolution is batch-normalised before they are concatenated, which is equivalent to one batch
        normalisation after.

    References:
        Ismail Fawaz et al.: InceptionTime, arXiv 1909.04939, figures 1 and 2. It is an ensemble of five such
        networks.
    """

    filters: int = 32
    kernel_sizes: tuple[int, ...] = (40, 20, 10)
    bottleneck: int = 32
    depth: int = 6
    shortcut_every: int = 3

    def __post_init__(self) -> None:
        for name in ("filters", "bottleneck", "depth", "shortcut_every"):
            require_positive_int(name, getattr(self, name))
        self._require_sizes("kernel_sizes")
        super().__post_init__()

    @property
    def block_numbers(self) -> range:
        """The modules' numbers, from 1."""
        return range(1, self.depth + 1)


def inception(config: InceptionConfig, series: Tensor, mask: Tensor | None) -> Tensor:
    """The features of an Inception network. See `models.MODELS` for arguments and result."""
    shortcut = series
    for number in config.block_numbers:
        series = _module(config, series, mask, str(number))
        if config.has_squeeze_excite(number):
            series = squeeze_excite(series, mask, config=config, name=str(number))
        if number % config.shortcut_every == 0:
            sizes = {"filters": series.shape[-1], "kernel_size": 1}
            shortcut = conv_norm(shortcut, mask, config=config, name=f"shortcut_{number}", **sizes)
            series = keras.layers.Add(name=f"sum_{number}")([shortcut, series])
            series = shortcut = keras.layers.ReLU(name=f"sum_relu_{number}")(series)
    return pool(series, mask, config.head)


def _module(config, series, mask, name):
    narrow = series
    if series.shape[-1] > 1:
        options = {"use_bias": False, "name": f"bottleneck_{name}"}
        narrow = keras.layers.Conv1D(config.bottleneck, 1, **options)(series)
    branches = []
    for branch, size in enumerate(config.kernel_sizes, 1):
        sizes = {"filters": config.filters, "kernel_size": size}
        branches.append(conv_norm(narrow, mask, config=config, name=f"conv_{name}_{branch}", **sizes))
    pooled = max_pool(series, mask, size=3, strides=1, name=f"max_pool_{name}")
    sizes = {"filters": config.filters, "kernel_size": 1}
    branches.append(conv_norm(pooled, mask, config=config, name=f"conv_{name}_max", **sizes))
    return keras.layers.ReLU(name=f"relu_{name}")(keras.layers.Concatenate(name=f"module_{name}")(branches))
