"""VGG for series: several convolutions in each block, then max pooling (Simonyan and Zisserman 2015)."""

from dataclasses import dataclass
from typing import Literal

from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn.layers.tensor import Tensor
from mlstm_fcn.models.blocks import max_pool, strided_mask
from mlstm_fcn.models.lstm_fcn import LSTMFCNConfig, excited_convolution, lstm_fcn


@dataclass(frozen=True, kw_only=True)
class VGGConfig(LSTMFCNConfig):
    """Options of a VGG, in addition to those of `LSTMFCNConfig`.

    It has no dilations by default, since pooling already widens what the next block sees.

    Attributes:
        convolutions: Number of convolutions in each block; squeeze-and-excitation follows each of them.
        pool_size: Size and stride of the max pooling after each block, in steps; 1 for no pooling.

    Raises:
        ValueError: If a value is out of its range.

    Deviations:
        Each convolution is batch-normalised, and a mean over time takes the place of the dense layers.

    References:
        Simonyan, Zisserman: Very deep convolutional networks, arXiv 1409.1556, table 1.
    """

    filters: tuple[int, ...] = (64, 128, 256)
    kernel_sizes: tuple[int, ...] = (3, 3, 3)
    dilation_rates: tuple[int, ...] | float | None = None
    recurrent: Literal["lstm", "attention_lstm"] | None = None
    convolutions: int = 2
    pool_size: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("convolutions", "pool_size"):
            require_positive_int(name, getattr(self, name))
        given = {"dilation_rates": self.dilation_rates, "pool_size": self.pool_size}
        rule = "A share of the length as `dilation_rates` requires `pool_size=1`."
        require(self.pool_size == 1 or not isinstance(self.dilation_rates, float), rule, **given)

    @property
    def reach_factor(self) -> int:
        """How many times as far a block reaches as one convolution with its dilation."""
        return self.convolutions


def vgg(config: VGGConfig, series: Tensor, mask: Tensor | None) -> Tensor:
    """The features of a VGG. See `models.MODELS` for arguments and result."""
    return lstm_fcn(config, series, mask, block=_vgg_block)


def _vgg_block(config, series, mask, number, dilation):
    for convolution in range(1, config.convolutions + 1):
        name = f"{number}" if config.convolutions == 1 else f"{number}_{convolution}"
        series = excited_convolution(config, series, mask, number, dilation, name)
    if config.pool_size == 1:
        return series, mask
    sizes = {"size": config.pool_size, "strides": config.pool_size}
    series = max_pool(series, mask, name=f"max_pool_{number}", **sizes)
    return series, strided_mask(mask, config.pool_size)
