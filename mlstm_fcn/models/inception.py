"""InceptionTime's network: modules of convolutions of several lengths (Ismail Fawaz et al. 2020)."""

from dataclasses import dataclass

import keras

from mlstm_fcn._checks import require_positive_int
from mlstm_fcn.models.blocks import conv_norm, max_pool, pool, squeeze_excite
from mlstm_fcn.models.options import SqueezeExciteConfig


@dataclass(frozen=True, kw_only=True)
class InceptionConfig(SqueezeExciteConfig):
    """What distinguishes one such network from another, beside the options of `SqueezeExciteConfig`.

    The blocks of `se_blocks` are the modules.

    Attributes:
        filters: Filters of each convolution of a module, and of the one after its maximum over 3 steps.
        kernel_sizes: Kernel sizes of the convolutions of a module, in steps.
        bottleneck: Filters of the convolution of one step before those, where there is more than one channel.
        depth: Number of modules.
        shortcut_every: Number of modules after which their input is added, through a convolution of one step.

    Raises:
        ValueError: If a value is out of its range.

    Deviations:
        Batch normalisation of the concatenated convolutions is done in each of them, which is the same.

    References:
        Ismail Fawaz et al.: InceptionTime, arXiv 1909.04939, figures 1 and 2; it is an ensemble of five.
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


def inception(config: InceptionConfig, series, mask):
    """The features of an Inception network. See `models.MODELS` for what it takes and gives."""
    start = series
    for number in config.block_numbers:
        series = _module(config, series, mask, str(number))
        if config.has_squeeze_excite(number):
            series = squeeze_excite(series, mask, config=config, name=str(number))
        if number % config.shortcut_every == 0:
            sizes = {"filters": series.shape[-1], "kernel_size": 1}
            start = conv_norm(start, mask, config=config, name=f"shortcut_{number}", **sizes)
            series = keras.layers.Add(name=f"sum_{number}")([start, series])
            series = start = keras.layers.ReLU(name=f"sum_relu_{number}")(series)
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
    highest = max_pool(series, mask, size=3, strides=1, name=f"max_pool_{name}")
    sizes = {"filters": config.filters, "kernel_size": 1}
    branches.append(conv_norm(highest, mask, config=config, name=f"conv_{name}_max", **sizes))
    return keras.layers.ReLU(name=f"relu_{name}")(keras.layers.Concatenate(name=f"module_{name}")(branches))
