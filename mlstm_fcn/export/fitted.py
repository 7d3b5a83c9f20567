"""A fitted network as an artifact for another runtime."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.export.formats import FORMATS, format_of_suffix
from mlstm_fcn.export.writing import export
from mlstm_fcn.fitting import FittedNetwork, likeness
from mlstm_fcn.fitting.inputs import ends_early
from mlstm_fcn.memmap import MemmapSeries
from mlstm_fcn.preprocess import with_length

_MOST_EXAMPLES = 256


def _answers(fitted: FittedNetwork) -> tuple[keras.Model, dict[str, Any]]:
    plain = fitted.task.to_plain()
    return fitted.keras_model, {"labels": plain.get("classes"), "thresholds": plain.get("thresholds")}


def _unlikeness(fitted: FittedNetwork) -> tuple[keras.Model, dict[str, Any]]:
    return likeness.as_model(fitted), {"labels": None, "thresholds": None}


OUTPUTS = {"answers": _answers, "unlikeness": _unlikeness}
"""What an artifact can compute: its Keras model, and what the manifest says of the outputs."""


def export_fitted(
    fitted: FittedNetwork,
    path: Path | str,
    format: str | None = None,
    *,
    X: Any = None,
    any_length: bool = False,
    length: int | None = None,
    data: str = "",
    metrics: Mapping[str, float] | None = None,
    about: Mapping[str, Any] | None = None,
    output: str = "answers",
) -> Path:
    """Write a fitted network for another runtime, run it there, and compare before it is kept.

    Args:
        fitted: The network.
        path: Where to. An earlier export there is replaced; anything else there is an error.
        format: A name of `FORMATS`; None: by the ending of the name.
        X: Series to compare on, as `fitting.Cases.X`, of which up to 256 at even distances are used. The int8
            formats require at least 10. None: random ones.
        any_length: Whether series may end early (NaN), though no training series did.
        length: Steps to fix, where the network reads any number of them.
        data: Name of the training data.
        metrics: Figures to note, by name; finite numbers.
        about: Further values for the manifest that JSON can hold.
        output: `"answers"`: probabilities, or predicted numbers; `"unlikeness"`: that of `trust.unlikeness`,
            `(batch, 1)`, of a network that `trust.remember` made.

    Returns:
        The path.

    Raises:
        ValueError: If the format cannot hold the model or differs too much, and why; or if the network
            cannot tell unlikeness.
        ImportError: If what the format needs is not installed.
    """
    figures = {name: float(value) for name, value in (metrics or {}).items()}
    require(all(map(math.isfinite, figures.values())), "`metrics` must be finite numbers.", **figures)
    path = Path(path)
    format = format_of_suffix(path.suffix) if format is None else format
    require_choice("format", format, FORMATS)
    require_choice("output", output, OUTPUTS)
    if length is not None:
        require_positive_int("length", length)
    chosen = fitted.with_mask() if any_length else fitted
    series = None if X is None else _examples(chosen, X, length)
    model, outputs = OUTPUTS[output](chosen)
    known = {
        **outputs,
        "output": output,
        "missing": fitted.inputs.missing,
        "any_length": chosen.takes_mask,
        "network": fitted.network.name,
        "data": data,
        "metrics": figures,
    }
    whole = {**known, **(about or {})}
    return export(model, path, format, about=whole, series=series, length=length)


def _examples(fitted: FittedNetwork, X: Any, length: int | None) -> np.ndarray:
    """Some of the series, at even distances, as the model reads them."""
    batch = fitted.read(X)
    rule = "Series of X end early, which the model does not read: export with any_length=True."
    require(fitted.takes_mask or not ends_early(batch), rule)
    chosen = batch[np.unique(np.linspace(0, len(batch) - 1, _MOST_EXAMPLES).astype(int))]
    series = chosen.read() if isinstance(chosen, MemmapSeries) else chosen
    return series if length is None else with_length(series, length)
