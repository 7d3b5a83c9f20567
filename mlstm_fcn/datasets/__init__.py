"""Data sets of the UEA and UCR archives, as arrays.

The data sets that the installed sktime ships are found there, so these work offline.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, overload

import numpy as np

from mlstm_fcn._checks import require_choice
from mlstm_fcn.datasets.formats import Series as Series
from mlstm_fcn.datasets.formats import read_ts as read_ts

__all__ = ["Problem", "Series", "load", "names", "read_ts"]

_SPLITS = ("train", "test")


@dataclass(frozen=True, repr=False)
class Problem:
    """A data set with its official split into training and test cases.

    Attributes:
        name: Its name in the archive.
        X_train: Training series, `(cases, channels, time)`, or where lengths differ a list of arrays
            `(channels, time)`.
        y_train: Their labels, strings as the archive spells them; for regression numbers.
        X_test: Test series.
        y_test: Their labels.
    """

    name: str
    X_train: Series
    y_train: np.ndarray
    X_test: Series
    y_test: np.ndarray

    def __repr__(self) -> str:
        lengths = sorted({case.shape[-1] for part in (self.X_train, self.X_test) for case in part})
        steps = f"{lengths[0]} to {lengths[-1]}" if len(lengths) > 1 else str(lengths[0])
        target = f"{len(np.unique(self.y_train))} classes" if self.y_train.dtype.kind == "U" else "a number"
        return (
            f"Problem({self.name!r}: {len(self.y_train)} training and {len(self.y_test)} test cases, "
            f"{self.X_train[0].shape[0]} channels, {steps} steps, {target})"
        )


@overload
def load(name: str) -> Problem: ...
@overload
def load(name: str, split: Literal["train", "test"]) -> tuple[Series, np.ndarray]: ...


def load(name: str, split: str | None = None) -> Problem | tuple[Series, np.ndarray]:
    """Load a data set.

    Args:
        name: One of `names()`, as the archive spells it.
        split: `"train"` or `"test"` for one part; None for both.

    Returns:
        A `Problem`, or for one part the pair (X, y).

    Raises:
        ValueError: If there is no such data set, or a file is not in its format.

    Example:
        >>> load("BasicMotions")
        Problem('BasicMotions': 40 training and 40 test cases, 6 channels, 100 steps, 4 classes)
    """
    require_choice("name", name, names())
    if split is not None:
        require_choice("split", split, _SPLITS)
        return read_ts(_file(name, split))
    return Problem(name, *read_ts(_file(name, "train")), *read_ts(_file(name, "test")))


def names() -> list[str]:
    """The data sets that can be loaded, in alphabetical order."""
    return sorted(path.parent.name for path in _bundled().glob("*/*_TRAIN.ts"))


def _file(name: str, split: str) -> Path:
    return _bundled() / name / f"{name}_{split.upper()}.ts"


def _bundled() -> Path:
    """The folder of the data sets that sktime ships; finding it does not import sktime."""
    sktime = find_spec("sktime")
    if sktime is None or sktime.origin is None:
        raise ModuleNotFoundError("The bundled data sets are sktime's: pip install sktime")
    return Path(sktime.origin).parent / "datasets" / "data"
