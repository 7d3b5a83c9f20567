"""A model card (Mitchell et al. 2019, arXiv 1810.03993): what one should know before using a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score, r2_score, recall_score

from mlstm_fcn import __version__
from mlstm_fcn._checks import require
from mlstm_fcn.models.ensemble import members
from mlstm_fcn.models.pipeline import split, takes_mask

if TYPE_CHECKING:
    from mlstm_fcn.estimators.base import NetworkEstimator

_MOST_LABELS = 50


def model_card(estimator: NetworkEstimator, X: Any, y: Any, data: str) -> str:
    """As `NetworkEstimator.model_card`."""
    require((X is None) == (y is None), "`X` and `y` must be given together, or neither.")
    _, network, _ = split(estimator.model_)
    _, steps, channels = estimator.model_.input_shape
    labels = getattr(estimator, "classes_", None)
    figures = [f"{name} {values[-1]:.4f}" for name, values in estimator.history_.items() if values]
    lines = [
        f"# {network.name} of {data or 'unnamed data'}",
        "",
        f"`{' '.join(repr(estimator).split())}`, mlstm-fcn {__version__}.",
        "",
        "## Use",
        "",
        f"* Input: series of {channels} channels and {f'at most {steps}' if steps else 'any number of'} "
        "steps, in the units of the training data. Scaling is part of the model.",
        f"* Missing values: {_missing(estimator)}",
        f"* Output: {_output(labels)}",
        "",
        "## Training",
        "",
        f"* Data: {data or 'not named'}.",
        f"* {estimator.n_epochs_} epochs; at the end of the last: {', '.join(figures)}.",
        f"* Random state: {estimator.random_state}.",
        f"* {_size(members(network))}.",
        "",
        "## Test",
        "",
        *(_figures(estimator, X, np.asarray(y)) if X is not None else ["Not tested here."]),
        "",
        "## Limits",
        "",
        *_limits(estimator, labels, network, steps),
    ]
    return "\n".join(lines) + "\n"


def _size(networks):
    parameters = sum(network.count_params() for network in networks)
    votes = f"{len(networks)} networks that vote, " if len(networks) > 1 else ""
    return f"{votes}{parameters:,} parameters"


def _missing(estimator):
    if estimator.missing == "error":
        return "refused."
    means = {"channel": "the training mean", "series": "the mean of the series", None: "zero"}
    ways = {"interpolate": "interpolated in time", "zero": f"replaced by {means[estimator.scaling]}"}
    return f"{ways[estimator.missing]}, inside the model."


def _output(labels):
    if labels is None:
        return "a number, in the units of the targets."
    shown = ", ".join(map(str, labels[:_MOST_LABELS].tolist()))
    more = f" and {len(labels) - _MOST_LABELS} more" if len(labels) > _MOST_LABELS else ""
    return f"a probability for each of {len(labels)} classes: {shown}{more}."


def _figures(estimator, X, y):
    predicted = estimator.predict(X)
    if not hasattr(estimator, "classes_"):
        yield f"* {len(y)} cases: R² {r2_score(y, predicted):.4f}."
        return
    balanced = balanced_accuracy_score(y, predicted)
    yield f"* {len(y)} cases: accuracy {accuracy_score(y, predicted):.4f}, balanced {balanced:.4f}."
    recalls = recall_score(y, predicted, labels=estimator.classes_, average=None, zero_division=0)
    for label, recall in list(zip(estimator.classes_.tolist(), recalls, strict=True))[:_MOST_LABELS]:
        count = int(np.sum(y == label))
        yield (
            f"* {label}: {round(recall * count)} of {count} cases found." if count else f"* {label}: no case."
        )


def _limits(estimator, labels, network, steps):
    if labels is not None:
        yield "* It gives each series one of its classes, also one that belongs to none of them."
        smoothing = estimator._recipe().label_smoothing
        if smoothing and estimator.loss is None:
            yield f"* Probabilities were trained with label smoothing {smoothing:g}, and are not calibrated."
    if steps:
        yield f"* Series longer than {steps} steps are {'cut' if estimator.on_longer != 'error' else 'refused'}."
    if not takes_mask(network):
        yield "* All training series had one length; shorter ones are read, but nothing was learnt of them."
    yield "* Nothing is known of data that were measured in another way than the training data."
