"""What a fitted estimator looks at."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state

from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn.preprocess import lengths, pad


def permutation_importance(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    n_repeats: int = 5,
    scoring: Any = None,
    random_state: int | np.random.RandomState | None = None,
) -> Bunch:
    """How much worse an estimator scores when one channel's series are exchanged between cases.

    scikit-learn's function of this name takes tables only; this is its counterpart for series.

    Args:
        estimator: A fitted estimator, or a pipeline that ends in one.
        X: Series, `(cases, channels, time)` or a list of `(channels, time)`.
        y: Their targets.
        n_repeats: How often each channel is permuted.
        scoring: A scorer or its name; None for the estimator's score.
        random_state: Decides the permutations.

    Returns:
        A `Bunch` as scikit-learn's: `importances` of shape `(channels, n_repeats)`, baseline minus score;
        `importances_mean` and `importances_std` of shape `(channels,)`.

    Raises:
        ValueError: If `n_repeats` is not a positive integer.

    References:
        Breiman: Random Forests. Machine Learning 45, 2001, section 10.
    """
    require_positive_int("n_repeats", n_repeats)
    score, random = check_scoring(estimator, scoring), check_random_state(random_state)
    baseline, cases = score(estimator, X, y), _without_padding(X)
    importances = np.array(
        [
            [
                baseline
                - score(estimator, _like(X, _exchanged(cases, channel, random.permutation(len(y)))), y)
                for _ in range(n_repeats)
            ]
            for channel in range(len(cases[0]))
        ]
    )
    return Bunch(
        importances=importances,
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
    )


def gates(estimator: Any, X: Any) -> dict[str, np.ndarray]:
    """How strongly squeeze-and-excitation lets each channel pass, for each case.

    Args:
        estimator: A fitted estimator.
        X: Series, as for its `predict`.

    Returns:
        For each such layer, by name and in order (of an ensemble as `member_1/...`), the gates, shape
        `(cases, channels)`: from 0 to 1 where the activation is the sigmoid.

    Raises:
        NotFittedError: If the estimator is not fitted.
        ValueError: If its network has no squeeze-and-excitation.
    """
    from mlstm_fcn.layers import SqueezeExcite1D

    return _of_layers(estimator, X, SqueezeExcite1D, SqueezeExcite1D.gates)


def kernel_shares(estimator: Any, X: Any) -> dict[str, np.ndarray]:
    """How much of each kernel length a selective kernel convolution takes, for each case and filter.

    Args:
        estimator: A fitted estimator.
        X: Series, as for its `predict`.

    Returns:
        For each such layer, by name and in order (of an ensemble as `member_1/...`), the shares, shape
        `(cases, branches, filters)`, the shortest kernel first; over the branches they sum to 1.

    Raises:
        NotFittedError: If the estimator is not fitted.
        ValueError: If its network has no selective kernels.
    """
    from mlstm_fcn.layers import SelectiveKernel1D

    return _of_layers(estimator, X, SelectiveKernel1D, SelectiveKernel1D.branch_weights)


def _of_layers(estimator, X, kind, method):
    """What a method of each layer of a kind gives for what the layer reads."""
    from mlstm_fcn.estimators.predicting import model_and_batch
    from mlstm_fcn.mapped import chunks
    from mlstm_fcn.models.ensemble import members
    from mlstm_fcn.models.raw_series import parts

    estimator.check_is_fitted()
    estimator._require_network("an explanation")
    model, batch = model_and_batch(estimator, estimator._check_convert_X_for_predict(X))
    front, network, _ = parts(model)
    networks, figures = members(network), {}
    for number, member in enumerate(networks, 1):
        layers = [layer for layer in member.layers if isinstance(layer, kind)]
        if not layers:
            continue
        prefix = f"member_{number}/" if len(networks) > 1 else ""
        columns = zip(*_read(front, member, layers, method, chunks(batch)), strict=True)
        for layer, values in zip(layers, columns, strict=True):
            figures[prefix + layer.name] = np.concatenate(values)
    rule = f"The network must have a layer of type {kind.__name__}."
    require(len(figures) > 0, rule, network=network.name)
    return figures


def _read(front, network, layers, method, batches):
    """For each batch what a method gives for what each of some layers of a network reads."""
    import keras

    from mlstm_fcn.inference import predict

    figures = [
        keras.layers.Lambda(lambda inputs, layer=layer: method(layer, *inputs), name=f"{layer.name}_read")(
            keras.tree.flatten(layer.input)
        )
        for layer in layers
    ]
    inner = keras.Model(network.inputs, figures)
    whole = keras.Model(front.input, inner(front.outputs))
    return [predict(whole, batch) for batch in batches]


def _exchanged(cases: list[np.ndarray], channel: int, order: np.ndarray) -> list[np.ndarray]:
    """The series with one channel taken from other cases, cut or continued by its last value to fit."""
    exchanged = [case.copy() for case in cases]
    for case, other in zip(exchanged, order, strict=True):
        values = cases[other][channel, : case.shape[1]]
        case[channel] = np.pad(values, (0, case.shape[1] - len(values)), mode="edge")
    return exchanged


def _without_padding(X: Any) -> list[np.ndarray]:
    """The cases, without the steps at their ends at which every channel is NaN."""
    cases = [np.array(case, dtype=np.float64) for case in X]
    return [case[:, : lengths(case.T[None])[0]] for case in cases]


def _like(X: Any, cases: list[np.ndarray]) -> Any:
    """As one array if X was one."""
    return pad(cases) if isinstance(X, np.ndarray) else cases
