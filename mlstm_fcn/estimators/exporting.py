"""What an estimator hands to `mlstm_fcn.export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.estimators.predicting import ends_early, for_any_length, model_and_batch
from mlstm_fcn.estimators.saving import require_plain
from mlstm_fcn.export import FORMATS, export
from mlstm_fcn.memmap import MemmapSeries
from mlstm_fcn.models.pipeline import split, takes_mask
from mlstm_fcn.persistence import SUFFIXES, checked_path
from mlstm_fcn.preprocess import with_length

if TYPE_CHECKING:
    from mlstm_fcn.estimators.base import NetworkEstimator

_MOST_EXAMPLES = 256
_BY_SUFFIX = {"": "savedmodel", ".onnx": "onnx", ".tflite": "litert", ".xml": "openvino"}


def export_estimator(
    estimator: NetworkEstimator,
    path: Path,
    format: str | None,
    X: Any,
    any_length: bool,
    length: int | None,
    about: dict[str, Any],
) -> Path:
    """As `NetworkEstimator.export`."""
    if format == "keras" or (format is None and path.suffix in SUFFIXES):
        rule = "A .keras file is what `save` writes: it takes no length, data or metrics."
        given = {"any_length": any_length, "length": length, **about}
        require(not any(given.values()), rule, **{name: value for name, value in given.items() if value})
        estimator.save(checked_path(path))
        return path
    if format is None:
        require_choice("suffix", path.suffix, _BY_SUFFIX)
        format = _BY_SUFFIX[path.suffix]
    require_choice("format", format, (*FORMATS, "keras"))
    if length is not None:
        require_positive_int("length", length)
    model = for_any_length(estimator) if any_length else estimator.model_
    batch = None
    if X is not None:
        _, read = model_and_batch(estimator, estimator._check_convert_X_for_predict(X))
        rule = "Series of X end early, which the model does not read: export with any_length=True."
        require(takes_mask(split(model)[1]) or not ends_early(read), rule)
        chosen = read[np.unique(np.linspace(0, len(read) - 1, _MOST_EXAMPLES).astype(int))]
        batch = chosen.read() if isinstance(chosen, MemmapSeries) else chosen
        batch = batch if length is None else with_length(batch, length)
    labels = getattr(estimator, "classes_", None)
    if labels is not None:
        require_plain(labels)
    known = {
        "labels": None if labels is None else labels.tolist(),
        "missing": estimator.missing,
        "any_length": takes_mask(split(model)[1]),
        "estimator": type(estimator).__name__,
        "network": split(model)[1].name,
    }
    return export(model, path, format, about={**known, **about}, series=batch, length=length)
