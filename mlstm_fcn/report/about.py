"""What a page says about data, model and versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mlstm_fcn import trust
from mlstm_fcn._document import Block, Paragraph, Table
from mlstm_fcn._versions import versions
from mlstm_fcn.explain.containers import opened

_MOST_NAMES = 30


def as_cases(estimator: Any, X: Any) -> Sequence[np.ndarray]:
    """Series `(channels, time)` or `(time,)` of any container; arrays and lists of them stay as they are."""
    plain = isinstance(X, np.ndarray) or (isinstance(X, list) and isinstance(X[0], np.ndarray))
    return X if plain else opened(estimator, X)[0]


def about_cases(cases: Sequence[np.ndarray], y: np.ndarray) -> Paragraph:
    """Number, shape and classes of series."""
    shapes = np.array([case.shape for case in cases])
    lengths = sorted({int(shapes[:, -1].min()), int(shapes[:, -1].max())})
    steps = " to ".join(map(str, lengths))
    counts = Counter(y.tolist()).most_common()
    shown = ", ".join(f"{label}: {count}" for label, count in counts[:_MOST_NAMES])
    more = f" and {len(counts) - _MOST_NAMES} more classes" if len(counts) > _MOST_NAMES else ""
    channels = shapes[0, 0] if shapes.shape[1] > 1 else 1
    return Paragraph(
        f"Data: {len(y)} cases, {channels} channels, {steps} steps. Cases by class: {shown}{more}."
    )


def about_model(estimator: Any) -> Iterator[Block]:
    """Network, training and versions of a fitted estimator of this package."""
    fitted = estimator.fitted_
    parameters = sum(member.network.count_params() for member in fitted.members)
    names = fitted.channel_names
    facts = {
        "estimator": " ".join(repr(estimator).split()),
        "network": fitted.network.name,
        "networks that vote": str(len(fitted.members)),
        "parameters": f"{parameters:,}",
        "epochs of training": str(fitted.epochs_trained),
        "channels": ", ".join(map(str, names[:_MOST_NAMES])) if names else str(fitted.channels),
        "steps": f"at most {fitted.time}" if fitted.time else "any number",
    }
    if hasattr(estimator, "classes_"):
        facts["temperature of probabilities"] = f"{trust.temperature(estimator):.3g}"
    yield Table(["model", ""], [[name, text] for name, text in facts.items()])
    yield Table(["package", "version"], [[name, number] for name, number in versions().items()])
