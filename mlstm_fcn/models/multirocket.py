"""Random convolutions: the fixed kernels of MiniRocket, pooled in several ways, for a linear head."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn.layers.minirocket import N_KERNELS, POOLINGS, SIZE, MiniRocket1D
from mlstm_fcn.layers.tensor import Tensor
from mlstm_fcn.models.blocks import zero_invalid
from mlstm_fcn.models.options import NetworkConfig


@dataclass(frozen=True, kw_only=True)
class MultiRocketConfig(NetworkConfig):
    """Options of random convolutions.

    Attributes:
        n_thresholds: Number of thresholds for the series, and again for their first differences, rounded to a
            multiple of 84 kernels; each gives one feature for each pooling.
        max_dilations: Maximum number of dilations; they are spread from 1 to the one at which a kernel spans
            the training series.
        differences: Whether the first differences of the series are read too.
        poolings: Poolings of `layers.MiniRocket1D`.
        dilations: Pairs of a dilation and its number of thresholds for each kernel. None: they follow the
            length of the training series.

    Raises:
        ValueError: If a value is out of its range.

    Deviations:
        MultiRocket pools positive values by their share, mean, mean index and longest stretch. Here the share
        is a steep ramp instead of a step, the moment of the positive steps replaces their mean index, so that
        all features are continuous, and there is no longest stretch.

    References:
        Dempster, Schmidt, Webb: MiniRocket, arXiv 2012.08791. Tan, Dempster, Bergmeir, Webb: MultiRocket,
        arXiv 2102.00457.
    """

    n_thresholds: int = 5000
    max_dilations: int = 32
    differences: bool = True
    poolings: tuple[str, ...] = POOLINGS
    dilations: tuple[tuple[int, int], ...] | None = None

    trained_by: ClassVar[str] = "ridge"

    def __post_init__(self) -> None:
        for name in ("n_thresholds", "max_dilations"):
            require_positive_int(name, getattr(self, name))
        rule = f"`n_thresholds` must be at least {N_KERNELS}, one for each kernel."
        require(self.n_thresholds >= N_KERNELS, rule, n_thresholds=self.n_thresholds)

    def following(self, time: int) -> dict[str, Any]:
        """`dilations` for series of a length."""
        return {"dilations": self.spread(time)} if self.dilations is None else {}

    def spread(self, time: int | None) -> tuple[tuple[int, int], ...]:
        """Dilations on a logarithmic scale, with the thresholds of each kernel shared among them.

        As in MiniRocket, more thresholds go to dilations that the rounding meets more often. Where the length
        is unknown the only dilation is 1.
        """
        per_kernel = self.n_thresholds // N_KERNELS
        number = min(self.max_dilations, per_kernel)
        widest = max(1.0, ((time or 1) - 1) / (SIZE - 1))
        spread = np.geomspace(1, widest, number).astype(int)
        dilations, counts = np.unique(spread, return_counts=True)
        counts = counts * per_kernel // number
        for place in range(per_kernel - counts.sum()):
            counts[place % len(counts)] += 1
        return tuple(zip(dilations.tolist(), counts.tolist(), strict=True))


def multirocket(config: MultiRocketConfig, series: Tensor, mask: Tensor | None) -> Tensor:
    """The features of random convolutions. See `models.MODELS` for arguments and result."""
    dilations, features = config.dilations or config.spread(series.shape[1]), []
    for name, view in _views(config, series, mask):
        for number, (dilation, thresholds) in enumerate(dilations):
            options: dict[str, Any] = {"poolings": config.poolings, "whole_first": number % 2 == 0}
            options |= {"dtype": "float32", "name": f"{name}_{dilation}"}
            layer = MiniRocket1D(dilation, thresholds, **options)
            features.append(layer(view, mask=mask))
    if len(features) > 1:
        features = [keras.layers.Concatenate(name="features")(features)]
    standardize = keras.layers.BatchNormalization(
        center=False, scale=False, epsilon=0.0, trainable=False, dtype="float32", name="standardize"
    )
    return standardize(*features)


def _views(config, series, mask) -> Iterator[tuple[str, Any]]:
    yield "minirocket", series
    if config.differences:
        series = zero_invalid(series, mask)
        yield "minirocket_of_differences", ops.pad(series[:, 1:] - series[:, :-1], [(0, 0), (1, 0), (0, 0)])
