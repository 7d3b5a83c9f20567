"""Gradients of the answer by the series, for every network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn.explain.containers import fitted_and_series, require_one_answer
from mlstm_fcn.loaders.series import is_loader

_SERIES = 256  # that are differentiated at once
_LEAST = 1e-7  # of a probability without logits


def gradients(estimator: Any, X: Any, *, label: Any = None) -> np.ndarray:
    """How much the logit of a class rises when a value of the series rises.

    The derivative is by the series as the network reads it, so a channel's unit is its standard deviation in
    the training set where `scaling="channel"`. What the network does elsewhere is not seen: at a value where
    it saturates, the gradient is zero. `integrated_gradients` sees it.

    Args:
        estimator: A fitted estimator of this package or a `fitting.FittedNetwork`.
        X: Series, as for its `predict`.
        label: The class that is explained; None for the predicted one of each series.

    Returns:
        Shape `(cases, channels, time)`: the derivative of the logit, which is the input of the softmax; of a
        regressor's prediction. Of an ensemble, of the mean of its members' logits, weighted as they vote. NaN
        after the end of a series. Channels are in the order of `fit`.

    Raises:
        NotFittedError: If an estimator is not fitted.
        ValueError: If there is no such class, or the backend has no gradients.

    References:
        Simonyan, Vedaldi, Zisserman: Deep inside convolutional networks, arXiv 1312.6034, section 3.
    """
    return _explained(estimator, X, label, lambda one, series, weights: one.gradient(series, weights))


def integrated_gradients(estimator: Any, X: Any, *, label: Any = None, n_steps: int = 64) -> np.ndarray:
    """How much each value of the series adds to the logit of a class, compared with the background.

    The gradient is averaged over the straight way from the background to the series, and multiplied by the
    way. The sum over a series is the logit of the series minus that of the background (completeness), up to
    the error of `n_steps` steps, which `n_steps` twice as large shows.

    The background is what the network reads as zero: the training means, with `scaling="series"` the mean of
    each channel of the series itself, with `scaling=None` zero.

    Args:
        estimator: A fitted estimator of this package or a `fitting.FittedNetwork`.
        X: Series, as for its `predict`.
        label: The class that is explained; None for the predicted one of each series.
        n_steps: Number of gradients on the way, a positive integer.

    Returns:
        As `gradients`, in units of the logit; of a regressor, of its prediction.

    Raises:
        NotFittedError: If an estimator is not fitted.
        ValueError: If there is no such class, `n_steps` is not a positive integer, or the backend has no
            gradients.

    References:
        Sundararajan, Taly, Yan: Axiomatic attribution for deep networks, arXiv 1703.01365, section 3.
    """
    require_positive_int("n_steps", n_steps)

    def along(one: _Member, series: np.ndarray, weights: np.ndarray) -> np.ndarray:
        total, at_once = np.zeros(series.shape), max(1, _SERIES // len(series))
        shares = (np.arange(n_steps, dtype=np.float32) + 0.5) / n_steps  # the middle of each part of the way
        for some in np.split(shares, range(at_once, n_steps, at_once)):
            points = np.concatenate([series * share for share in some])
            slopes = one.gradient(points, np.tile(weights, (len(some), 1)))
            total += slopes.reshape(len(some), *series.shape).sum(axis=0)
        return series * total / n_steps

    return _explained(estimator, X, label, along)


class _Member:
    """One network of a vote: its logits, of series as it reads them, NaN after the end of a series."""

    def __init__(self, network: Any, share: float, factor: float):
        self.model, self.share, self.factor = _logits(network), share, factor

    def gradient(self, series: np.ndarray, weights: np.ndarray) -> np.ndarray:
        from mlstm_fcn import engine

        return engine.ready().gradient(self.model, series, weights * self.share * self.factor)


def _explained(estimator: Any, X: Any, label: Any, method: Any) -> np.ndarray:
    require_one_answer(estimator)
    require(not is_loader(X), "Here X must be series; a loader is for `fit` and `predict`.")
    fitted, raw = fitted_and_series(estimator, X, "explain")
    members, parts = _opened(fitted, raw)
    chosen = _outputs(fitted, raw, label)
    n_outputs, found, start = fitted.task.n_outputs, [], 0
    for part in parts:
        weights = np.eye(n_outputs, dtype=np.float32)[chosen[start : start + len(part)]]
        found.append(sum(method(one, part, weights) for one in members))
        start += len(part)
        found[-1] = np.where(np.isnan(part), np.nan, found[-1])
    whole = np.concatenate(found).swapaxes(1, 2)
    steps = (~np.isnan(whole)).any(axis=1).sum(axis=1).max()
    return whole[:, :, :steps]


def _opened(fitted: Any, raw: Any) -> tuple[list[_Member], Iterator[np.ndarray]]:
    """The networks that vote, and the series as they read them, some at a time."""
    from mlstm_fcn import engine
    from mlstm_fcn.memmap import chunks
    from mlstm_fcn.models.ensemble import members, shares
    from mlstm_fcn.models.pipeline import split

    model, batch = fitted.model_for(raw)
    preprocessor, network, _ = split(model)
    networks = members(network)
    votes = shares(network) or [1 / len(networks)] * len(networks)
    pairs = zip(networks, votes, strict=True)
    opened = [_Member(one, share, fitted.task.unit[0]) for one, share in pairs if share > 0]

    def parts() -> Iterator[np.ndarray]:
        for chunk in chunks(batch):
            for start in range(0, len(chunk), _SERIES):
                series, *mask = engine.ready().predict(preprocessor, chunk[start : start + _SERIES])
                yield np.where(mask[0][..., None], series, np.nan) if mask else series

    return opened, parts()


def _outputs(fitted: Any, raw: Any, label: Any) -> np.ndarray:
    """The number of the output that is explained, for each series."""
    outputs = fitted.outputs(raw)
    if label is None or outputs.shape[1] == 1:
        return outputs.argmax(axis=1)
    labels = fitted.task.labels.tolist()
    require(label in labels, "`label` must be one of the classes.", label=label, classes=labels)
    return np.full(len(outputs), labels.index(label))


def _logits(network: Any) -> Any:
    """A network up to the input of its last softmax, or its outputs where it has none."""
    import keras
    from keras import ops

    from mlstm_fcn.models.pipeline import reading_padded

    last = network.layers[-1]
    activation = getattr(getattr(last, "activation", None), "__name__", None)
    if isinstance(last, keras.layers.Dense) and activation in ("softmax", "linear"):
        linear = keras.layers.Lambda(
            lambda features: ops.matmul(features, last.kernel) + (last.bias if last.use_bias else 0.0),
            (last.units,),
            name="logits",
        )
        outputs = linear(last.input)
    elif isinstance(last, keras.layers.Softmax) or activation == "softmax":
        outputs = last.input
    elif network.output.shape[-1] == 1:
        outputs = network.output
    else:
        outputs = ops.log(ops.maximum(network.output, _LEAST))
    return reading_padded(keras.Model(network.input, outputs, name=f"{network.name}_logits"))
