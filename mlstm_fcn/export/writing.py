"""Export, and the check of what was exported."""

from __future__ import annotations

import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

from mlstm_fcn import engine
from mlstm_fcn._checks import require, require_choice
from mlstm_fcn._optional import optional
from mlstm_fcn.export import manifest
from mlstm_fcn.export.formats import FORMATS, Format
from mlstm_fcn.export.graph import export_graph
from mlstm_fcn.layers import StandardizeChannels
from mlstm_fcn.models.pipeline import split, takes_mask

_N_EXAMPLES = 16  # random ones
_LEAST_FOR_RANGES = 10
_COARSE = 0.2  # standard deviations of what a quantised regressor predicts


def export(
    model: keras.Model,
    path: Path | str,
    format: str,
    *,
    about: dict[str, Any],
    series: np.ndarray | None = None,
    length: int | None = None,
) -> Path:
    """Write a trained model in a format, run it there, and compare.

    Args:
        model: What an estimator has as `model_`: from `(batch, time, channels)` in the units of the data,
            scaled inside, to `(batch, outputs)`.
        path: Where to; its name ends as the format wants. An artifact that is there is replaced in the end.
        format: One of `FORMATS`.
        about: What else its users should know, in values that JSON can hold; among it `labels` in the order
            of the outputs, or None for numbers.
        series: Series of shape `(cases, time, channels)`, float32, to compare on; None for random ones. For
            `*-int8` at least 10: every second one is compared, and the others show the ranges of values.
        length: Steps to fix, where the model reads any number of them.

    Returns:
        The path. Beside it stands `<name>.json`.

    Raises:
        ValueError: If the name or format is wrong, `labels` are missing or are not as many as outputs,
            the format cannot hold the model, its runtime does not take what was written, or the artifact
            differs from the model, computed in float32, by more than the format's bound. What was there
            before stays then.
        ImportError: If what the format needs is not installed.
        FileNotFoundError: If the folder does not exist.
    """
    require_choice("format", format, FORMATS)
    form, path = FORMATS[format], Path(path)
    _require_place(path, form)
    for module in form.modules:
        optional(module, form.extra)
    rule = "Export needs Keras on TensorFlow: save the model, and `mlstm-fcn export` it there."
    require(engine.current().name == "tensorflow", rule, backend=engine.current().name)
    _require_labels(about, model.output_shape[-1])
    if format.endswith("int8"):
        shown, compared = _halves(format, series)
    else:
        shown = compared = _examples(model, length, about.get("missing")) if series is None else series
    copy = export_graph(model, unrolled=form.unrolled, length=length)
    _, steps, channels = copy.input_shape
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        made = Path(folder) / path.name
        expected = np.asarray(copy(compared, training=False))
        files, received = _written_and_run(form, copy, made, shown, compared)
        check: dict[str, Any] = {"series": "random" if series is None else "given", "n_series": len(compared)}
        check |= _compare(form, received, expected)
        shape = {"channels": channels, "length": steps}
        described = {"kind": format, **shape, **about, "check": check, "versions": _versions()}
        manifest.write(made, files, described)
        _move(made, path)
    return path


def _require_labels(about: dict[str, Any], n_outputs: int) -> None:
    """Raise if what is said of an artifact cannot be written, or has not a label for each output."""
    json.dumps(about)  # before a minute of work
    require("labels" in about, "`about` must have `labels`, or None for a regressor.", about=sorted(about))
    labels = about["labels"]
    rule = "There must be a label for each output."
    n_labels = n_outputs if labels is None else len(labels)
    require(n_labels == n_outputs, rule, labels=n_labels, outputs=n_outputs)


def _halves(format: str, series: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Series that show the ranges of values, and others to compare on."""
    rule = f"{format} needs {_LEAST_FOR_RANGES} series or more, to see the ranges of values on: give X."
    n_series = 0 if series is None else len(series)
    require(n_series >= _LEAST_FOR_RANGES, rule, series=n_series)
    assert series is not None
    return series[1::2], series[::2]


def _written_and_run(
    form: Format, copy: keras.Model, made: Path, shown: np.ndarray, compared: np.ndarray
) -> tuple[list[Path], np.ndarray]:
    """The files of an artifact, and its outputs.

    Raises:
        ValueError: If it cannot be written or does not run; converters and runtimes have kinds of their own.
    """
    try:
        files = form.write(copy, made, shown)
        return files, form.outputs(made, compared)
    except (ImportError, ValueError, OSError):
        raise
    except Exception as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:300]
        raise ValueError(f"{made.name} cannot be written, or does not run: {said}") from error


def _require_place(path: Path, form: Format) -> None:
    """Raise if an artifact cannot be put there, or if that would delete what is none."""
    require(path.suffix == form.suffix, f"The name must end in {form.suffix or 'no suffix'}.", path=str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder {path.parent} does not exist.")
    ours = manifest.describes(path)
    if path.is_dir():
        free = not path.is_symlink() and (ours or not any(path.iterdir()))
        require(free and not form.suffix, "There is a folder that no export has made.", path=str(path))
    elif path.exists():
        free = ours and form.suffix != ""
        require(free, "There is a file that no export has made.", path=str(path))
    weights = path.with_suffix(".bin")
    free = form.suffix != ".xml" or ours or not weights.exists()
    require(free, "There is a file of weights that no export has made.", path=str(weights))
    note = manifest.path_of(path)
    require(ours or not note.exists(), "There is a file that no export has made.", path=str(note))


def _move(made: Path, path: Path) -> None:
    """Put what is whole in the place of what was there; the description comes last."""
    note = manifest.path_of(made)
    manifest.path_of(path).unlink(missing_ok=True)
    if path.is_dir():
        shutil.rmtree(path)
    for file in sorted(made.parent.iterdir()):
        if file != note:
            file.replace(path.parent / file.name)
    note.replace(manifest.path_of(path))


def _compare(form: Format, received: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """How far the outputs of an artifact are from those of its model.

    Raises:
        ValueError: If it is too far.
    """
    shapes = {"expected": expected.shape, "received": received.shape}
    require(expected.shape == received.shape, "The artifact must give outputs of the same shape.", **shapes)
    scale = max(1.0, float(np.abs(expected).max()))
    difference = float(np.abs(expected - received).max()) / scale
    require(np.isfinite(difference), "The artifact must give numbers.", difference=difference)
    found = {"largest_difference": difference}
    if form.bound is not None:
        rule = f"The artifact must agree with Keras within {form.bound:g}, or it is not kept."
        require(difference <= form.bound, rule, largest_difference=difference)
    elif expected.shape[1] > 1:
        changed = int(np.sum(expected.argmax(axis=1) != received.argmax(axis=1)))
        rule = f"The artifact must change the class of at most {form.changed:.0%} of series, or of one."
        require(changed <= max(1, form.changed * len(expected)), rule, changed=changed, series=len(expected))
        found["changed_classes"] = changed
    else:
        bound = _COARSE * float(expected.std())
        rule = f"Numbers must agree with Keras within {_COARSE:g} of their standard deviation, {bound:.3g}."
        require(difference * scale <= bound, rule, largest_difference=difference * scale)
    return found


def _examples(model: keras.Model, length: int | None, missing: str | None) -> np.ndarray:
    """Random series in the units of the data, as far as the model knows them.

    With gaps, unless `missing` is `"error"`; where the model has a mask, of different lengths.
    """
    _, steps, channels = model.input_shape
    rng = np.random.default_rng(0)
    series = rng.normal(size=(_N_EXAMPLES, length or steps or 50, channels))
    preprocessor, network, _ = split(model)
    for layer in preprocessor.layers:
        if isinstance(layer, StandardizeChannels):
            series = series * np.asarray(layer.std) + np.asarray(layer.mean)
    if missing != "error":
        first = max(1, series.shape[1] // 3)  # so that the shortest series hold a value
        series[::3, first : series.shape[1] // 2, 0] = np.nan
    if takes_mask(network):
        for case, one in enumerate(series[1:], 1):
            one[max(1, len(one) * case // _N_EXAMPLES) :] = np.nan
    return series.astype(np.float32)


def _versions() -> dict[str, str]:
    packages = ("mlstm-fcn", "keras", "tensorflow", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
