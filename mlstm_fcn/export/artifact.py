"""Export, the check of what was exported, and predictions with it."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

from mlstm_fcn import _tensorflow
from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.export import sidecar
from mlstm_fcn.export.copying import export_copy
from mlstm_fcn.export.formats import FORMATS, Format, Run
from mlstm_fcn.layers import StandardizeChannels
from mlstm_fcn.models.raw_series import parts, takes_mask
from mlstm_fcn.preprocess import require_complete

_N_EXAMPLES = 16
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
        model: From `(batch, time, channels)` in the units of the data to outputs.
        path: Where to; its name ends as the format wants. An artifact that is there is replaced in the end.
        format: One of `FORMATS`.
        about: What else its users should know; `labels` in the order of the outputs, or None.
        series: Series of shape `(cases, time, channels)`, float32, to compare on, and for `*-int8` to see
            ranges of values on; None for random ones, which int8 does not take.
        length: Steps to fix, where the model reads any number of them.

    Returns:
        The path. Beside it stands `<name>.json`.

    Raises:
        ValueError: If the name or format is wrong, the format cannot hold the model, or the artifact
            differs from the model, computed in float32, by more than the format's bound. What was there
            before stays then.
        ImportError: If what the format needs is not installed.
        FileNotFoundError: If the folder does not exist.
    """
    require_choice("format", format, FORMATS)
    form, path = FORMATS[format], Path(path)
    _require_place(path, form)
    rule = "Export needs Keras on TensorFlow: save the model, and `mlstm-fcn export` it there."
    require(_tensorflow.is_backend(), rule, backend=keras.config.backend())
    rule = f"{format} needs series to see the ranges of values on: give X."
    require(series is not None or not format.endswith("int8"), rule, X=None)
    copy = export_copy(model, unrolled=form.unrolled, length=length)
    examples = _examples(model, length) if series is None else series
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        made = Path(folder) / path.name
        expected = np.asarray(copy(examples, training=False))
        files = form.write(copy, made, examples)
        _, steps, channels = copy.input_shape
        check: dict[str, Any] = {"series": "random" if series is None else "given", "n_series": len(examples)}
        check |= _compare(form, form.outputs(made, examples), expected)
        shape = {"channels": channels, "length": steps}
        described = {"kind": format, **shape, **about, "check": check, "versions": _versions()}
        sidecar.write(made, files, described)
        _move(made, path)
    return path


def _require_place(path: Path, form: Format) -> None:
    """Raise if an artifact cannot be put there, or if that would delete what is none."""
    require(path.suffix == form.suffix, f"The name must end in {form.suffix or 'no suffix'}.", path=str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder {path.parent} does not exist.")
    if path.is_dir():
        ours = form.suffix == "" and (sidecar.path_of(path).exists() or not any(path.iterdir()))
        require(ours, "There is a folder of this name that no export has made.", path=str(path))
    elif path.exists():
        require(form.suffix != "", "There is a file of this name.", path=str(path))


def _move(made: Path, path: Path) -> None:
    """Put what is whole in the place of what was there; the description comes last."""
    note = sidecar.path_of(made)
    sidecar.path_of(path).unlink(missing_ok=True)
    if path.is_dir():
        shutil.rmtree(path)
    for file in sorted(made.parent.iterdir()):
        if file != note:
            file.replace(path.parent / file.name)
    note.replace(sidecar.path_of(path))


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


def _examples(model: keras.Model, length: int | None) -> np.ndarray:
    """Random series in the units of the data; where the model has a mask, of different lengths."""
    _, steps, channels = model.input_shape
    rng = np.random.default_rng(0)
    series = rng.normal(size=(_N_EXAMPLES, length or steps or 50, channels))
    front, network, _ = parts(model)
    for layer in front.layers:
        if isinstance(layer, StandardizeChannels):
            series = series * np.asarray(layer.std) + np.asarray(layer.mean)
    if takes_mask(network):
        for case, one in enumerate(series[1:], 1):
            one[max(1, len(one) * case // _N_EXAMPLES) :] = np.nan
    return series.astype(np.float32)


def _versions() -> dict[str, str]:
    packages = ("mlstm-fcn", "keras", "tensorflow", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


@dataclass(frozen=True)
class Artifact:
    """An exported model in its own runtime.

    Attributes:
        about: What its description says.
        run: From `(cases, time, channels)` to outputs.
    """

    about: dict[str, Any]
    run: Run

    @property
    def labels(self) -> list[Any] | None:
        """The classes in the order of the probabilities; None of a regressor."""
        labels: list[Any] | None = self.about["labels"]
        return labels

    def outputs(self, X: np.ndarray) -> np.ndarray:
        """Probabilities (or numbers) of series.

        Args:
            X: `(cases, channels, time)`, NaN where nothing was measured or a series has ended.

        Returns:
            `(cases, outputs)`.

        Raises:
            ValueError: If the shape is not that of the model's series, or a value is infinite.
        """
        X = np.asarray(X, dtype=np.float32)
        channels, length = self.about["channels"], self.about["length"]
        good = X.ndim == 3 and len(X) > 0 and X.shape[1] == channels and X.shape[2] > 0
        wanted = f"(cases, {channels}, {length or 'time'})"
        require(good, f"X must be {wanted}.", shape=X.shape)
        require(length is None or X.shape[2] <= length, f"X must be {wanted}.", shape=X.shape)
        require(not np.isinf(X).any(), "X must be finite, or NaN where nothing was measured.")
        rule = "Every series must hold a value that is not missing."
        require(bool((~np.isnan(X)).any(axis=(1, 2)).all()), rule)
        missing = 0 if length is None else length - X.shape[2]
        whole = bool((~np.isnan(X[:, :, -1])).any(axis=1).all()) and not missing
        rule = "This model reads no series that end early; export it with any_length=True."
        require(whole or self.about.get("any_length", True), rule, shape=X.shape)
        if self.about.get("missing") == "error":
            require_complete(X.transpose(0, 2, 1))
        padded = np.pad(X, ((0, 0), (0, 0), (0, missing)), constant_values=np.nan)
        return self.run(np.ascontiguousarray(padded.transpose(0, 2, 1)))


def load(path: Path | str) -> Artifact:
    """Open an exported model with its own runtime; neither Keras nor TensorFlow runs it, but for SavedModel.

    Raises:
        FileNotFoundError: If the artifact or its description is missing.
        ValueError: If one of them was changed or damaged.
        ImportError: If the runtime is not installed.
    """
    path = Path(path)
    about = sidecar.read(path)
    require_choice("kind", about["kind"], FORMATS)
    try:
        return Artifact(about, FORMATS[about["kind"]].open(path))
    except ImportError:
        raise
    except Exception as error:  # runtimes have kinds of their own
        raise ValueError(f"{path} does not load: {error}") from error
