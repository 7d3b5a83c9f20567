"""Export a model, run the artifact in its runtime, and compare it with Keras."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mlstm_fcn import engine
from mlstm_fcn._checks import require, require_choice
from mlstm_fcn._files import partial_folder
from mlstm_fcn._optional import optional
from mlstm_fcn._versions import versions
from mlstm_fcn.export import manifest, swap
from mlstm_fcn.export.formats import FORMATS, Format
from mlstm_fcn.export.graph import export_graph
from mlstm_fcn.layers import StandardizeChannels
from mlstm_fcn.models.pipeline import split, takes_mask

_PACKAGES = ("mlstm-fcn", "keras", "tensorflow", "numpy")
_N_EXAMPLES = 16  # random series by default
_LEAST_SERIES = 10  # that an int8 format needs
_COARSE = 0.2  # allowed difference of a quantised regressor, in standard deviations of its predictions


def export(
    model: keras.Model,
    path: Path | str,
    format: str,
    *,
    about: dict[str, Any],
    series: np.ndarray | None = None,
    length: int | None = None,
) -> Path:
    """Write a trained model in a format, run it in that format's runtime, and compare it with Keras.

    Args:
        model: The attribute `model_` of an estimator: from `(batch, time, channels)` in the units of the
            data to `(batch, outputs)`; it scales inside.
        path: Path of the artifact, with the suffix of the format. An earlier export there is replaced
            in one step after all checks have passed; see `swap`.
        format: A name in `FORMATS`.
        about: Entries for the manifest, in values that JSON can hold. `labels` is required: class labels in
            the order of the outputs, or None for a regressor.
        series: Series of shape `(cases, time, channels)`, float32, for the comparison; random ones by
            default. The int8 formats need at least 10: one half calibrates the ranges of activations, the
            other half is compared.
        length: Number of time steps to fix, for a model whose input has a variable number.

    Returns:
        The path. The manifest is `<path>.json`.

    Raises:
        ValueError: If the path, format, labels or series are invalid, the format cannot express the model,
            or the artifact differs from the float32 model by more than the format's bound. An earlier
            export at the path then stays.
        ImportError: If a package that the format needs is not installed.
        FileNotFoundError: If the folder of the path does not exist.
    """
    require_choice("format", format, FORMATS)
    form, path = FORMATS[format], Path(path)
    _require_path(path, form)
    for module in form.modules:
        optional(module, form.extra)
    rule = "Export needs the TensorFlow backend: `save` the model, and run `mlstm-fcn export` on TensorFlow."
    require(engine.current().name == "tensorflow", rule, backend=engine.current().name)
    _require_labels(about, model.output_shape[-1])
    if form.needs_series:
        calibration, compared = _halves(format, series)
    else:
        compared = _examples(model, length, about.get("missing")) if series is None else series
        calibration = compared
    copy = export_graph(model, unrolled=form.unrolled, length=length)
    _, steps, channels = copy.input_shape
    with partial_folder(path.parent) as folder:
        artifact = folder / path.name
        expected = np.asarray(copy(compared, training=False))
        received = _written_and_run(form, copy, artifact, calibration, compared, about["labels"])
        check: dict[str, Any] = {"series": "random" if series is None else "given", "n_series": len(compared)}
        check |= _compare(form, received, expected)
        shape = {"channels": channels, "length": steps}
        entries = {"kind": format, **shape, **about, "check": check, "versions": versions(_PACKAGES)}
        manifest.write(artifact, form.files(artifact), entries)
        swap.replace(folder, path)
    return path


def _require_labels(about: dict[str, Any], n_outputs: int) -> None:
    """Raise unless `about` can be written as JSON and has one label per output."""
    json.dumps(about)  # fail before the conversion, which may take a minute
    rule = "`about` must have the entry `labels`: the class labels, or None for a regressor."
    require("labels" in about, rule, about=sorted(about))
    labels = about["labels"]
    n_labels = n_outputs if labels is None else len(labels)
    rule = "The number of labels must equal the number of outputs."
    require(n_labels == n_outputs, rule, labels=n_labels, outputs=n_outputs)


def _halves(format: str, series: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Split series in two halves, for calibration and for the comparison."""
    rule = f"{format} needs at least {_LEAST_SERIES} series for calibration; pass X."
    n_series = 0 if series is None else len(series)
    require(n_series >= _LEAST_SERIES, rule, series=n_series)
    assert series is not None
    return series[1::2], series[::2]


def _written_and_run(
    form: Format,
    copy: keras.Model,
    artifact: Path,
    calibration: np.ndarray,
    compared: np.ndarray,
    labels: list[Any] | None,
) -> np.ndarray:
    """Write an artifact with its labels and return its outputs.

    Raises:
        ValueError: If the conversion or the runtime fails, whatever the exception type.
    """
    try:
        form.write(copy, artifact, calibration)
        if form.label is not None:
            form.label(artifact, labels)
        return form.outputs(artifact, compared)
    except (ImportError, ValueError, OSError):
        raise
    except Exception as error:
        message = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise ValueError(f"{artifact.name} failed to convert or to run: {message}") from error


def _require_path(path: Path, form: Format) -> None:
    """Raise unless an artifact can be written there without replacing a file that `export` did not write."""
    rule = f"The path must have the suffix {form.suffix}." if form.suffix else "The path must have no suffix."
    require(path.suffix == form.suffix, rule, path=str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder {path.parent} does not exist.")
    swap.settle(path, unlocked=True)
    exported = manifest.exists(path)
    if path.is_dir():
        empty = not any(path.iterdir())
        replaceable = not form.suffix and not path.is_symlink() and (exported or empty)
    else:
        replaceable = not path.exists() or (exported and form.suffix != "")
    _require_replaceable(path, replaceable)
    for file in (*form.companion_files(path), manifest.path_of(path)):
        _require_replaceable(file, exported or not file.exists())


def _require_replaceable(path: Path, replaceable: bool) -> None:
    rule = "The path exists and was not written by `export`; choose another."
    require(replaceable, rule, path=str(path))


def _compare(form: Format, received: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """Compare the outputs of an artifact with those of Keras.

    Returns:
        Entries for the manifest: `largest_difference`, and `changed_classes` where classes are compared.

    Raises:
        ValueError: If the shapes differ, a value is not finite, or the difference exceeds the bound.
    """
    shapes = {"expected": expected.shape, "received": received.shape}
    require(expected.shape == received.shape, "The outputs must have the same shape as in Keras.", **shapes)
    scale = max(1.0, float(np.abs(expected).max()))
    difference = float(np.abs(expected - received).max()) / scale
    require(np.isfinite(difference), "The outputs must be finite.", difference=difference)
    found = {"largest_difference": difference}
    if form.bound is not None:
        rule = f"The outputs must agree with Keras within {form.bound:g}; the artifact was deleted."
        require(difference <= form.bound, rule, largest_difference=difference)
    elif expected.shape[1] > 1:
        changed = int(np.sum(expected.argmax(axis=1) != received.argmax(axis=1)))
        allowed = max(1, form.max_changed * len(expected))
        rule = f"At most {form.max_changed:.0%} of predicted classes, or one, may differ from Keras."
        require(changed <= allowed, rule, changed=changed, series=len(expected))
        found["changed_classes"] = changed
    else:
        bound = _COARSE * float(expected.std())
        rule = f"Outputs must agree with Keras within {_COARSE:g} standard deviations, {bound:.3g}."
        require(difference * scale <= bound, rule, largest_difference=difference * scale)
    return found


def _examples(model: keras.Model, length: int | None, missing: str | None) -> np.ndarray:
    """Random series of shape `(cases, time, channels)`, in the units of the data if the model scales.

    They have missing values unless `missing` is `"error"`, and different lengths if the model has a mask.
    """
    _, steps, channels = model.input_shape
    rng = np.random.default_rng(0)
    series = rng.normal(size=(_N_EXAMPLES, length or steps or 50, channels))
    preprocessor, network, _ = split(model)
    for layer in preprocessor.layers:
        if isinstance(layer, StandardizeChannels):
            series = series * np.asarray(layer.std) + np.asarray(layer.mean)
    if missing != "error":
        first = max(1, series.shape[1] // 3)  # keep a value in the shortest series
        series[::3, first : series.shape[1] // 2, 0] = np.nan
    if takes_mask(network):
        for case, one in enumerate(series[1:], 1):
            one[max(1, len(one) * case // _N_EXAMPLES) :] = np.nan
    return series.astype(np.float32)
