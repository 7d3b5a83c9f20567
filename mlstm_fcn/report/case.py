"""A page about the answer to one series."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mlstm_fcn import explain, plotting, trust
from mlstm_fcn._document import Block, Figure, Heading, Paragraph, Table, to_html
from mlstm_fcn._files import write_text
from mlstm_fcn._pictures import as_image, picture
from mlstm_fcn.explain.activations import has_class_activation_map
from mlstm_fcn.explain.containers import fitted_network, opened, require_network, require_one_answer
from mlstm_fcn.plotting.decision import one
from mlstm_fcn.report.about import about_model

_MOST_CLASSES = 10
_MOST_CHANNELS = 20


def write_case(
    estimator: Any,
    x: Any,
    path: Path | str,
    *,
    truth: Any = None,
    name: str = "A series",
) -> Path:
    """Write a self-contained HTML page about the answer to one series.

    It has the answer with the probabilities, the series coloured by what supports it, the effect of hiding
    each channel, the model, and versions.

    Args:
        estimator: A fitted estimator of this package.
        x: One series `(channels, time)`, such as `X[i]`, or a data frame `(time, channels)`.
        path: The file; an existing one is replaced in one step. Missing folders are created.
        truth: The true class or number, where it is known.
        name: Name of the series, for the title.

    Returns:
        The path.

    Raises:
        ImportError: If matplotlib is not installed.
        ValueError: If `x` is not one series, or the estimator has no network.
        NotFittedError: If the estimator is not fitted.
    """
    require_network(estimator, "write_case")
    require_one_answer(estimator)
    X = one(x)
    blocks = [
        *_answer(estimator, X, truth),
        *_pictures(estimator, x),
        *_channels(estimator, X),
        Heading("Model, versions"),
        *about_model(estimator),
    ]
    write_text(Path(path), to_html(name, blocks))
    return Path(path)


def _answer(estimator: Any, X: Any, truth: Any) -> Iterator[Block]:
    predicted = np.asarray(estimator.predict(X)).ravel()[0]
    known = "" if truth is None else f" Truth: {truth}."
    if trust.remembers(estimator):
        (unlike,) = trust.unlikeness(estimator, X)
        known += f" Unlikeness to the training data: {unlike:.2f}; 95 % of usual series are below 1."
    if not hasattr(estimator, "predict_proba"):
        yield Paragraph(f"Answer: {predicted:.6g}.{known}")
        return
    (row,) = estimator.predict_proba(X)
    order = np.argsort(-row, kind="stable")[:_MOST_CLASSES]
    yield Paragraph(f"Answer: {predicted}, with probability {row.max():.3f}.{known}")
    yield Table(
        ["class", "probability"], [[str(estimator.classes_[one]), f"{row[one]:.4f}"] for one in order]
    )


def _pictures(estimator: Any, x: Any) -> Iterator[Block]:
    yield Heading("Why this answer")
    yield Paragraph("Red supports the answer, blue opposes it; wide lines mean more.")
    drawn: dict[str, tuple[Callable[[], Any], str]] = {}
    if has_class_activation_map(estimator):
        caption = "What each step says for the answer, more than for the mean of the classes."
        drawn["evidence"] = lambda: plotting.class_activation_map(estimator, x), caption
    caption = "How much the answer falls when a window of one channel is hidden."
    drawn["occlusion"] = lambda: plotting.occlusion(estimator, x), caption
    for name, (draw, caption) in drawn.items():
        yield Figure(name, caption, picture(draw, partial(as_image, alt=caption)))


def _channels(estimator: Any, X: Any) -> Iterator[Block]:
    """What happens to the answer when a whole channel is hidden."""
    ((series,), _), fitted = opened(estimator, X), fitted_network(estimator)
    (fall,) = explain.occlusion(estimator, X, size=series.shape[1])
    names = fitted.channel_names if fitted and fitted.channel_names else range(len(series))
    falls = fall[:, 0]
    order = np.argsort(-np.abs(falls), kind="stable")[:_MOST_CHANNELS]
    yield Heading("Channels")
    yield Paragraph("How much the answer falls when the whole channel is hidden, the largest effect first.")
    yield Table(["channel", "fall"], [[str(names[one]), f"{falls[one]:+.4f}"] for one in order])
