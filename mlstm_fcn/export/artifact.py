"""Predictions with an exported model in its own runtime, without Keras or TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.export import manifest, swap
from mlstm_fcn.export.formats import FORMATS, Run
from mlstm_fcn.preprocess import as_container, as_numbers, require_complete

_STEPS = 8  # of the series that tries a model that reads any number of them


@dataclass(frozen=True)
class Artifact:
    """An exported model, opened in its own runtime.

    Attributes:
        about: Entries of its manifest.
        run: From series `(cases, time, channels)`, float32, to outputs `(cases, outputs)`.
    """

    about: dict[str, Any]
    run: Run

    @property
    def labels(self) -> list[Any] | None:
        """Class labels in the order of the probabilities; None for a regressor."""
        labels: list[Any] | None = self.about["labels"]
        return labels

    @property
    def thresholds(self) -> list[float] | None:
        """The probability from which a case has each label; None if a case has one label, or numbers."""
        thresholds: list[float] | None = self.about.get("thresholds")
        return thresholds

    def outputs(self, X: Any) -> np.ndarray:
        """Probabilities of classes, or the values that a regressor predicts.

        Args:
            X: Series of shape `(cases, channels, time)` in the units of the training data, or a list of
                `(channels, time)` that may differ in length. NaN marks missing values and the padding after
                the end of a series.

        Returns:
            Outputs of shape `(cases, outputs)`.

        Raises:
            ValueError: If the shape does not fit the model, a value is infinite, a series has no value, or
                the outputs overflow, or the runtime fails.
        """
        X = as_container(X)
        rule = "X must be arrays: exports do not know the names of channels. Give `frame.to_numpy().T`."
        require(isinstance(X, np.ndarray), rule, X=type(X).__name__)
        X = as_numbers(X).astype(np.float32)
        channels, length = self.about["channels"], self.about["length"]
        rule = f"X must have shape (cases, {channels}, {length or 'time'})."
        fits = X.ndim == 3 and len(X) > 0 and X.shape[1] == channels and X.shape[2] > 0
        require(fits, rule, shape=X.shape)
        require(length is None or X.shape[2] <= length, rule, shape=X.shape)
        require(not np.isinf(X).any(), "X must be finite; use NaN for missing values.")
        rule = "Every series must have at least one value that is not missing."
        require(bool((~np.isnan(X)).any(axis=(1, 2)).all()), rule)
        padding = 0 if length is None else length - X.shape[2]
        full_length = bool((~np.isnan(X[:, :, -1])).any(axis=1).all()) and not padding
        rule = "Every series must have the full length: this model has no mask. Export with any_length=True."
        require(full_length or self.about.get("any_length", True), rule, shape=X.shape)
        if self.about.get("missing") == "error":
            require_complete([X.transpose(0, 2, 1)])
        padded = np.pad(X, ((0, 0), (0, 0), (0, padding)), constant_values=np.nan)
        outputs = self._run(padded)
        rule = "Outputs overflowed: the inputs are far outside the training range."
        require(bool(np.isfinite(outputs).all()), rule, largest_input=float(np.nanmax(np.abs(X))))
        return outputs

    def require_runs(self) -> None:
        """Run one series of zeros.

        Raises:
            ValueError: If the runtime fails, or there is not one label for each output.
        """
        self._run(np.zeros((1, self.about["channels"], self.about["length"] or _STEPS), np.float32))

    def _run(self, X: np.ndarray) -> np.ndarray:
        try:
            outputs = np.asarray(self.run(np.ascontiguousarray(X.transpose(0, 2, 1))))
        except Exception as error:  # each runtime has its own exception types
            raise ValueError(f"The model fails in its runtime: {error}") from error
        labels = self.labels if self.labels is None else len(self.labels)
        fits = outputs.ndim == 2 and len(outputs) == len(X) and labels in (None, outputs.shape[1])
        rule = "The model must have outputs (cases, outputs), with a label for each."
        require(fits, rule, outputs=outputs.shape, labels=labels)
        return outputs


def load(path: Path | str) -> Artifact:
    """Open an exported model in its own runtime. This imports neither Keras nor TensorFlow.

    A SavedModel runs in a new TensorFlow subprocess for every call: to serve one, use TensorFlow itself.

    Args:
        path: The artifact; its manifest `<path>.json` must be in the same folder.

    Raises:
        FileNotFoundError: If the artifact or its manifest is missing.
        ValueError: If a file was changed or damaged, or the model does not run or has other outputs than
            labels. A SavedModel shows that in its first call.
        ImportError: If the runtime is not installed.
    """
    return swap.read_whole(Path(path), _opened)


def _opened(path: Path) -> Artifact:
    about = manifest.read(path)
    form = FORMATS[about["kind"]]
    try:
        artifact = Artifact(about, form.open(path))
        if form.runs_here:
            artifact.require_runs()
        return artifact
    except ImportError:
        raise
    except Exception as error:  # each runtime has its own exception types
        raise ValueError(f"{path} does not load in its runtime: {error}") from error
