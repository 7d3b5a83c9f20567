"""The fixed kernels of MiniRocket at one dilation, with pooling over time."""

from itertools import combinations
from typing import Any

import keras
import numpy as np
from keras import ops

from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.layers.convolution import convolve

SIZE = 9  # steps of a kernel
N_KERNELS = 84  # ways to choose the three elements that are 2; the others are -1
POOLINGS = ("share", "mean", "moment")
_GOLDEN = (1 + 5**0.5) / 2


def base_kernels() -> np.ndarray:
    """The 84 kernels, `(9, 84)`: three elements are 2, six are -1, so that a constant gives zero."""
    kernels = np.full((SIZE, N_KERNELS), -1.0, np.float32)
    for number, chosen in enumerate(combinations(range(SIZE), 3)):
        kernels[list(chosen), number] = 2.0
    return kernels


@keras.saving.register_keras_serializable(package="mlstm_fcn")
class MiniRocket1D(keras.layers.Layer):
    """Convolutions with 84 fixed kernels at one dilation, compared with thresholds, pooled over time.

    Each kernel reads the sum of some channels. With `c[t]` its output at step `t`, `b` one of its thresholds
    and `T` the number of steps that the pooling reads::

        share  = 1/T  sum over t of s[t],  s[t] = min(1, max(0, c[t] - b) / ramp)
        mean   = 1/T  sum over t of max(0, c[t] - b)
        moment = 1/T  sum over t of (t/(length - 1) - 1/2) s[t]

    With a ramp near zero, `share` is MiniRocket's proportion of positive values. The ramp keeps features
    continuous, so that rounding, which differs between runtimes, does not flip a comparison. Pooling reads
    all steps for every other kernel, and for the rest the steps at which the kernel lies within the series.

    Training does not change the weights. `adapt` draws the channels of each kernel, and takes thresholds from
    quantiles of its outputs for training series.

    Args:
        dilation_rate: Dilation in steps.
        thresholds: Number of thresholds of each kernel.
        poolings: Some of `"share"`, `"mean"` and `"moment"`.
        ramp: Range, in standard deviations of the kernel's output, within which `share` rises from 0 to 1.
        whole_first: Whether the kernels with even numbers, or those with odd ones, are pooled over all steps.
        **kwargs: `name`, `dtype`, `trainable`, as for every Keras layer.

    Call arguments:
        inputs: Tensor of shape `(batch, time, channels)`.
        mask: Optional tensor of shape `(batch, time)`, true at valid steps, which must be the first ones of
            each series. Invalid steps are read as zeros and are not pooled.

    Returns:
        Tensor of shape `(batch, 84 thresholds poolings)`. A series too short for a kernel to lie within it
        has zeros there.

    Raises:
        ValueError: If a size is not a positive integer, a pooling is unknown, or the ramp is not positive.

    References:
        Dempster, Schmidt, Webb: MiniRocket, arXiv 2012.08791. Tan, Dempster, Bergmeir, Webb: MultiRocket,
        arXiv 2102.00457, whose mean and mean index of positive values `mean` and `moment` resemble.
    """

    def __init__(
        self,
        dilation_rate: int,
        thresholds: int,
        poolings: tuple[str, ...] = POOLINGS,
        ramp: float = 0.01,
        whole_first: bool = True,
        **kwargs: object,
    ):
        require_positive_int("dilation_rate", dilation_rate)
        require_positive_int("thresholds", thresholds)
        require(len(poolings) > 0, "`poolings` must not be empty.")
        for pooling in poolings:
            require_choice("pooling", pooling, POOLINGS)
        require(ramp > 0, "`ramp` must be positive.", ramp=ramp)
        kwargs.setdefault("trainable", False)
        super().__init__(**kwargs)
        self.dilation_rate = dilation_rate
        self.thresholds = thresholds
        self.poolings = tuple(poolings)
        self.ramp = ramp
        self.whole_first = whole_first
        self.supports_masking = True

    @property
    def order(self) -> np.ndarray:
        """The numbers of the kernels as the weights have them: those pooled over all steps first."""
        first = 0 if self.whole_first else 1
        return np.concatenate([np.arange(first, N_KERNELS, 2), np.arange(1 - first, N_KERNELS, 2)])

    def build(self, input_shape):
        frozen: dict[str, Any] = {"trainable": False, "initializer": "zeros"}
        self.kernel = self.add_weight((SIZE, input_shape[-1], N_KERNELS), name="kernel", **frozen)
        self.offsets = self.add_weight((N_KERNELS, self.thresholds), name="offsets", **frozen)
        self.kernel.assign(np.repeat(base_kernels()[:, None, self.order], input_shape[-1], axis=1))

    def adapt(self, series: np.ndarray, lengths: np.ndarray, rng: np.random.Generator) -> None:
        """Draw channels, scale kernels to outputs of unit variance, and take thresholds from training series.

        As in MiniRocket, the number of channels of a kernel is at most 9 and small numbers are more frequent;
        the thresholds of a kernel are quantiles, at multiples of the golden ratio, of its output for one
        series.

        Args:
            series: Training series, `(cases, time, channels)`, zero where a series has ended.
            lengths: Their lengths, `(cases,)`.
            rng: Decides channels and series.
        """
        n_cases, n_steps, n_channels = series.shape
        most = min(n_channels, SIZE)
        chosen = np.zeros((n_channels, N_KERNELS), np.float32)
        for column in chosen.T:
            size = int(2 ** rng.uniform(0, np.log2(most + 1)))
            column[rng.choice(n_channels, size, replace=False)] = 1
        kernel = base_kernels()[:, None, self.order] * chosen
        outputs = ops.convert_to_numpy(convolve(series, kernel, dilation=self.dilation_rate))
        valid = np.arange(n_steps) < lengths[:, None]
        spread = outputs[valid].std(axis=0)
        scale = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 1).astype(np.float32)
        places = (np.arange(1, N_KERNELS * self.thresholds + 1) * _GOLDEN % 1).reshape(N_KERNELS, -1)
        cases = rng.integers(n_cases, size=N_KERNELS)
        offsets = [
            np.quantile(outputs[case, : lengths[case], number] * scale[number], places[number])
            for number, case in enumerate(cases)
        ]
        self.kernel.assign(kernel * scale)
        self.offsets.assign(np.array(offsets, np.float32))

    def call(self, inputs, mask=None):
        if mask is not None:
            inputs = ops.where(ops.expand_dims(mask, -1), inputs, ops.cast(0, inputs.dtype))
        series = convolve(inputs, ops.cast(self.kernel, inputs.dtype), dilation=self.dilation_rate)
        half, parts = N_KERNELS // 2, []
        offsets = ops.cast(self.offsets, inputs.dtype)
        windows = self._windows(series, mask)
        for place, window in zip((slice(0, half), slice(half, None)), windows, strict=True):
            above = ops.relu(ops.expand_dims(series[:, :, place], -1) - offsets[place])
            above = ops.reshape(above, (-1, ops.shape(series)[1], half * self.thresholds))
            parts.append(self._pooled(above, *(ops.cast(weights, above.dtype) for weights in window)))
        return ops.concatenate(parts, axis=-1)

    def _windows(self, series, mask):
        """For each half of the kernels, weights of the steps for means and moments, `(batch, 1, time)`."""
        n_steps = series.shape[1]
        if mask is None and n_steps is not None:  # constants in the graph
            return self._weights(np, np.arange(n_steps, dtype=np.float32)[None], np.float32(n_steps))
        steps = ops.cast(ops.arange(ops.shape(series)[1]), series.dtype)[None, :]
        if mask is None:
            length = ops.reshape(ops.cast(ops.shape(series)[1], series.dtype), (1, 1))
        else:
            length = ops.sum(ops.cast(mask, series.dtype), axis=1, keepdims=True)
        return self._weights(ops, steps, length)

    def _weights(self, lib, steps, length):
        centred = steps / lib.maximum(length - 1, 1) - 0.5
        for margin in (0, SIZE // 2 * self.dilation_rate):
            inside = lib.logical_and(steps >= margin, steps < length - margin)
            inside = inside.astype(np.float32) if lib is np else ops.cast(inside, steps.dtype)
            mean = inside / lib.maximum(lib.sum(inside, axis=1, keepdims=True), 1)
            yield lib.expand_dims(mean, 1), lib.expand_dims(mean * centred, 1)

    def _pooled(self, above, mean, moment):
        shares = ops.minimum(above / self.ramp, 1.0)
        values = {"share": (shares, mean), "mean": (above, mean), "moment": (shares, moment)}
        pooled = [ops.matmul(weights, steps) for steps, weights in (values[name] for name in self.poolings)]
        return ops.concatenate([ops.squeeze(each, 1) for each in pooled], axis=-1)

    def compute_mask(self, inputs, mask=None):
        return None  # masks are passed as tensors, not implicitly

    def compute_output_shape(self, input_shape):
        return input_shape[0], N_KERNELS * self.thresholds * len(self.poolings)

    def get_config(self):
        return {
            **super().get_config(),
            "dilation_rate": self.dilation_rate,
            "thresholds": self.thresholds,
            "poolings": self.poolings,
            "ramp": self.ramp,
            "whole_first": self.whole_first,
        }
