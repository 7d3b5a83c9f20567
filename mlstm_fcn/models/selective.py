"""MLSTM-FCN with selective kernels in place of its convolutions (Li et al. 2019)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn.layers.tensor import Tensor
from mlstm_fcn.models.blocks import selective_kernel, squeeze_excite
from mlstm_fcn.models.lstm_fcn import LSTMFCNConfig, lstm_fcn


@dataclass(frozen=True, kw_only=True)
class SelectiveConfig(LSTMFCNConfig):
    """Options of MLSTM-FCN with selective kernels, in addition to those of `LSTMFCNConfig`.

    The branches of a selective kernel see several scales, so `dilation_scales` must be 1.

    Attributes:
        selective_branches: Number of branches of each selective kernel. Branch `i` has `i` times the block's
            dilation.

    Raises:
        ValueError: If a value is out of its range.

    References:
        Li, Wang, Hu, Yang: Selective Kernel Networks, arXiv 1903.06586, section 3.1.
    """

    selective_branches: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive_int("selective_branches", self.selective_branches)
        given = {"dilation_scales": self.dilation_scales, "selective_branches": self.selective_branches}
        rule = "`dilation_scales` and `selective_branches` exclude each other."
        require(self.dilation_scales == 1, rule, **given)

    def suited(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """A recipe's network options without `dilation_scales`: the branches have several dilations."""
        return {name: value for name, value in super().suited(options).items() if name != "dilation_scales"}

    @property
    def reach_factor(self) -> int:
        """How many times as far a block reaches as one convolution with its dilation."""
        return self.selective_branches


def sk_mlstm_fcn(config: SelectiveConfig, series: Tensor, mask: Tensor | None) -> Tensor:
    """The features of MLSTM-FCN with selective kernels. See `models.MODELS` for arguments and result."""
    return lstm_fcn(config, series, mask, block=_selective_block)


def _selective_block(config, series, mask, number, dilation):
    sizes = {"filters": config.filters[number - 1], "kernel_size": config.kernel_sizes[number - 1]}
    sizes |= {"branches": config.selective_branches, "dilation_rate": dilation}
    series = selective_kernel(series, mask, config=config, name=f"{number}", **sizes)
    if config.has_squeeze_excite(number):
        series = squeeze_excite(series, mask, config=config, name=f"{number}")
    return series, mask
