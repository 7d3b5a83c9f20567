"""Activations: gates, kernel shares, attention, and class activation maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.explain.containers import fitted_and_series, fitted_network


def gates(estimator: Any, X: Any) -> dict[str, np.ndarray]:
    """How strongly squeeze-and-excitation lets each channel pass, for each case.

    Args:
        estimator: A fitted estimator or `fitting.FittedNetwork`.
        X: Series, as for its `predict`.

    Returns:
        For each such layer, by name and in order (of an ensemble as `member_1/...`), the gates, shape
        `(cases, channels)`: from 0 to 1 where the activation is the sigmoid.

    Raises:
        NotFittedError: If an estimator is not fitted.
        ValueError: If its network has no squeeze-and-excitation.
    """
    from mlstm_fcn.layers import SqueezeExcite1D

    return _of_layers(estimator, X, SqueezeExcite1D, SqueezeExcite1D.gates, (None,))


def kernel_shares(estimator: Any, X: Any) -> dict[str, np.ndarray]:
    """How much of each kernel length a selective kernel convolution takes, for each case and filter.

    Args:
        estimator: A fitted estimator or `fitting.FittedNetwork`.
        X: Series, as for its `predict`.

    Returns:
        For each such layer, by name and in order (of an ensemble as `member_1/...`), the shares, shape
        `(cases, branches, filters)`, the shortest kernel first; over the branches they sum to 1.

    Raises:
        NotFittedError: If an estimator is not fitted.
        ValueError: If its network has no selective kernels.
    """
    from mlstm_fcn.layers import SelectiveKernel1D

    return _of_layers(estimator, X, SelectiveKernel1D, SelectiveKernel1D.branch_weights, (None, None))


def attention(estimator: Any, X: Any) -> dict[str, np.ndarray]:
    """What each step of an attention LSTM attends to, for each case.

    The LSTM branch reads the transposed series where it has the dimension shuffle: its steps are then the
    channels of the series, else the points in time.

    Args:
        estimator: A fitted estimator or `fitting.FittedNetwork`, say `MLSTMFCNClassifier(attention=True)`.
        X: Series, as for its `predict`.

    Returns:
        For each such layer, by name and in order (of an ensemble as `member_1/...`), the weights, shape
        `(cases, steps, steps)`: row `t` tells what step `t` attends to, and sums to 1.

    Raises:
        NotFittedError: If an estimator is not fitted.
        ValueError: If its network has no attention LSTM.

    References:
        Karim et al.: LSTM Fully Convolutional Networks for Time Series Classification, arXiv 1709.05206.
    """
    from mlstm_fcn.layers import AttentionLSTM

    def weights(layer: AttentionLSTM, series: Any, mask: Any = None) -> Any:
        return layer(series, mask=mask, return_attention=True)[1]

    return _of_layers(estimator, X, AttentionLSTM, weights, (None, None))


def class_activation_map(estimator: Any, X: Any) -> np.ndarray:
    """How much each step of a series adds to the score of each class, for each case.

    In a network with the average head, the output layer weights the mean of the features over time. A map
    weights the features at each step instead. If no block is strided, the mean of a map over the steps, plus
    the output's bias and the part of an LSTM branch, is the input of the softmax.

    Args:
        estimator: A fitted estimator or `fitting.FittedNetwork`; its network has the average head.
        X: Series, as for its `predict`.

    Returns:
        The maps, shape `(cases, outputs, time)`: outputs are the classes in the order of `classes_`, or the
        one of a regressor, in standard deviations of its training targets. NaN after the end of a series.
        Where blocks are strided, neighbours have one value. Of an ensemble it is the mean of the members that
        have a map; random convolutions have none, so of a hybrid it tells what its networks see.

    Raises:
        NotFittedError: If an estimator is not fitted.
        ValueError: If its network has another head, or comes from another package.

    References:
        Zhou et al.: Learning Deep Features for Discriminative Localization, arXiv 1512.04150, equation 2;
        for time series Wang et al., arXiv 1611.06455.
    """
    from mlstm_fcn.memmap import chunks
    from mlstm_fcn.preprocess import lengths

    rule = 'The network must have the average head, `head="average"`.'
    maps, batch = _read(estimator, X, _map_of_member, rule)
    steps = np.concatenate([lengths(chunk) for chunk in chunks(batch)])
    time = np.arange(steps.max())
    whole = np.mean([each[:, time] for each in maps.values()], axis=0)
    return np.where(time < steps[:, None, None], whole.swapaxes(1, 2), np.nan)


def has_class_activation_map(estimator: Any) -> bool:
    """Whether an estimator of this package is fitted and its network has the average head."""
    fitted = fitted_network(estimator)
    return fitted is not None and any(_has_average_head(member.network) for member in fitted.members)


def _has_average_head(member):
    return {"average", "output"} <= {layer.name for layer in member.layers}


def _map_of_member(member):
    """The features of each step before the average, with the weights of the output layer."""
    import keras
    from keras import ops

    from mlstm_fcn.models.counting import output_stride

    if not _has_average_head(member):
        return {}
    layers = {layer.name: layer for layer in member.layers}
    features, *_ = keras.tree.flatten(layers["average"].input)
    kernel = layers["output"].kernel[-features.shape[-1] :]  # before them stands what an LSTM branch gives
    apart = output_stride(keras.Model(member.input, features))

    def weighed(tensors):
        series, features = tensors
        time, last = ops.arange(ops.shape(series)[1], dtype="float32"), ops.shape(features)[1] - 1
        places = ops.minimum(ops.cast(time / apart, "int32"), last)
        return ops.take(ops.matmul(features, kernel), places, axis=1)

    weigh = keras.layers.Lambda(weighed, (None, kernel.shape[1]), name="class_activation_map")
    return {"class_activation_map": weigh([keras.tree.flatten(member.input)[0], features])}


def _of_layers(estimator, X, kind, method, shape):
    """What a method of each layer of a kind gives, of a shape for each case, for what the layer reads."""
    import keras

    def figures(member):
        return {
            layer.name: keras.layers.Lambda(
                lambda inputs, layer=layer: method(layer, *inputs), shape, name=f"{layer.name}_read"
            )(keras.tree.flatten(layer.input))
            for layer in member.layers
            if isinstance(layer, kind)
        }

    return _read(estimator, X, figures, f"The network must have a layer of type {kind.__name__}.")[0]


def _read(
    estimator: Any, X: Any, of_member: Callable[[Any], dict[str, Any]], rule: str
) -> tuple[dict[str, np.ndarray], Any]:
    """Values of tensors in the networks of an estimator by name, and the series.

    `of_member` returns the tensors of one network by name. If no network has any, `rule` is the error.
    """
    import keras

    from mlstm_fcn import engine
    from mlstm_fcn.memmap import chunks
    from mlstm_fcn.models.ensemble import members
    from mlstm_fcn.models.pipeline import compose, split

    fitted, series = fitted_and_series(estimator, X, "explain")
    model, batch = fitted.model_for(series)
    preprocessor, network, _ = split(model)
    networks, values = members(network), {}
    for number, member in enumerate(networks, 1):
        tensors = of_member(member)
        if not tensors:
            continue
        prefix = f"member_{number}/" if len(networks) > 1 else ""
        whole = compose(preprocessor, keras.Model(member.input, [*tensors.values()]))
        run = engine.current().predict
        columns = zip(*(run(whole, chunk) for chunk in chunks(batch)), strict=True)
        for name, column in zip(tensors, columns, strict=True):
            values[prefix + name] = np.concatenate(column)
    require(len(values) > 0, rule, network=network.name)
    return values, batch
