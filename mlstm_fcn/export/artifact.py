"""Predictions with an exported model: its own runtime, and neither Keras nor TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.export import manifest
from mlstm_fcn.export.formats import FORMATS, Run
from mlstm_fcn.preprocess import require_complete


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
            ValueError: If the shape is not that of the model's series, a value is infinite, or values are so
                large that the network cannot compute with them.
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
            require_complete([X.transpose(0, 2, 1)])
        padded = np.pad(X, ((0, 0), (0, 0), (0, missing)), constant_values=np.nan)
        outputs = self.run(np.ascontiguousarray(padded.transpose(0, 2, 1)))
        rule = "Values must be of the size of the training data's: the network overflows."
        require(bool(np.isfinite(outputs).all()), rule, largest=float(np.nanmax(np.abs(X))))
        return outputs


def load(path: Path | str) -> Artifact:
    """Open an exported model with its own runtime; neither Keras nor TensorFlow is imported.

    A SavedModel is run by TensorFlow in a process of its own, which starts with every call: to serve one, use
    TensorFlow itself.

    Raises:
        FileNotFoundError: If the artifact or its description is missing.
        ValueError: If one of them was changed or damaged.
        ImportError: If the runtime is not installed.
    """
    path = Path(path)
    about = manifest.read(path)
    require_choice("kind", about["kind"], FORMATS)
    try:
        return Artifact(about, FORMATS[about["kind"]].open(path))
    except ImportError:
        raise
    except Exception as error:  # runtimes have kinds of their own
        raise ValueError(f"{path} does not load: {error}") from error
