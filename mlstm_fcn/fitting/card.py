"""A model card (Mitchell et al. 2019, arXiv 1810.03993): what one should know before using a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, r2_score, recall_score

from mlstm_fcn import __version__
from mlstm_fcn._checks import require
from mlstm_fcn.fitting.calibration import temperature
from mlstm_fcn.fitting.fitted import FittedNetwork
from mlstm_fcn.fitting.multilabel import MultiLabel
from mlstm_fcn.fitting.task import Classification
from mlstm_fcn.training.recipes import Recipe

_MOST_LABELS = 50


def model_card(
    fitted: FittedNetwork,
    X: Any = None,
    y: Any = None,
    *,
    data: str = "",
    made_by: str = "",
    recipe: Recipe | None = None,
    random_state: object = None,
) -> str:
    """What one should know before one uses a fitted network, as Markdown.

    Args:
        fitted: The network.
        X: Series to test on, not those of fit; None for no figures of accuracy.
        y: Their targets.
        data: Name of the training data.
        made_by: The code that made it.
        recipe: How it was trained.
        random_state: The seed.

    Raises:
        ValueError: If only one of X and y is given.
    """
    require((X is None) == (y is None), "`X` and `y` must be given together, or neither.")
    steps = fitted.time
    figures = [f"{name} {values[-1]:.4f}" for name, values in fitted.history.items() if values]
    maker = f"`{made_by}`, " if made_by else ""
    lines = [
        f"# {fitted.network.name} of {data or 'unnamed data'}",
        "",
        f"{maker}mlstm-fcn {__version__}.",
        "",
        "## Use",
        "",
        f"* Input: series of {fitted.channels} channels and "
        f"{f'at most {steps}' if steps else 'any number of'} steps, in the units of the training data. "
        "Scaling is part of the model.",
        f"* Missing values: {_missing(fitted)}",
        f"* Output: {_output(fitted)}",
        "",
        "## Training",
        "",
        f"* Data: {data or 'not named'}.",
        f"* {len(fitted.history.get('loss', ()))} epochs; last figures: {', '.join(figures)}.",
        f"* Random state: {random_state}.",
        f"* {_size(fitted)}; trained in {fitted.precision}, stored in float32.",
        "",
        "## Test",
        "",
        *(_figures(fitted, X, fitted.task.read(y)) if X is not None else ["Not tested here."]),
        "",
        "## Limits",
        "",
        *_limits(fitted, recipe),
    ]
    return "\n".join(lines) + "\n"


def _size(fitted: FittedNetwork) -> str:
    parameters = sum(member.network.count_params() for member in fitted.members)
    n_members = len(fitted.members)
    votes = f"{n_members} networks that vote, " if n_members > 1 else ""
    return f"{votes}{parameters:,} parameters"


def _missing(fitted: FittedNetwork) -> str:
    if fitted.inputs.missing == "error":
        return "refused."
    means = {"channel": "the training mean", "series": "the mean of the series", None: "zero"}
    zero = means[fitted.inputs.scaling]
    ways = {"interpolate": "interpolated in time", "zero": f"replaced by {zero}"}
    return f"{ways[fitted.inputs.missing]}, inside the model."


def _output(fitted: FittedNetwork) -> str:
    n_outputs = fitted.task.n_outputs
    if isinstance(fitted.task, MultiLabel):
        return f"a probability for each of {n_outputs} labels, of which a case may have any number."
    if not isinstance(fitted.task, Classification):
        return f"{'a number' if n_outputs == 1 else f'{n_outputs} numbers'}, in the units of the targets."
    labels = fitted.task.labels
    shown = ", ".join(map(str, labels[:_MOST_LABELS].tolist()))
    more = f" and {len(labels) - _MOST_LABELS} more" if len(labels) > _MOST_LABELS else ""
    return f"a probability for each of {len(labels)} classes: {shown}{more}."


def _figures(fitted: FittedNetwork, X: Any, y: np.ndarray) -> Iterator[str]:
    predicted = fitted.predict(X)
    if isinstance(fitted.task, MultiLabel):
        f1 = f1_score(y, predicted, average="macro", zero_division=0)
        yield f"* {len(y)} cases: all labels right in {accuracy_score(y, predicted):.4f}, mean F1 {f1:.4f}."
        return
    if not isinstance(fitted.task, Classification):
        yield f"* {len(y)} cases: R² {r2_score(y, predicted):.4f}."
        return
    labels = fitted.task.labels
    balanced = recall_score(y, predicted, labels=np.unique(y), average="macro", zero_division=0)
    yield f"* {len(y)} cases: accuracy {accuracy_score(y, predicted):.4f}, balanced {balanced:.4f}."
    recalls = recall_score(y, predicted, labels=labels, average=None, zero_division=0)
    for label, recall in list(zip(labels.tolist(), recalls, strict=True))[:_MOST_LABELS]:
        count = int(np.sum(y == label))
        found = f"{round(recall * count)} of {count} cases found" if count else "no case"
        yield f"* {label}: {found}."


def _limits(fitted: FittedNetwork, recipe: Recipe | None) -> Iterator[str]:
    if isinstance(fitted.task, Classification):
        yield "* Every series gets one of the classes, also a series that belongs to none of them."
        if (chosen := temperature(fitted)) != 1:
            yield f"* Probabilities are calibrated on held-back cases, with the temperature {chosen:.3g}."
        elif recipe and recipe.label_smoothing:
            smoothing = f"{recipe.label_smoothing:g}"
            yield f"* Training smoothed labels by {smoothing}; probabilities are not calibrated."
    if fitted.time:
        fate = "refused" if fitted.inputs.on_longer == "error" else "cut"
        yield f"* Series longer than {fitted.time} steps are {fate}."
    if not fitted.takes_mask:
        yield "* All training series had one length; shorter ones are read, but training saw none."
    yield "* Data measured in another way than the training data were not tested."
