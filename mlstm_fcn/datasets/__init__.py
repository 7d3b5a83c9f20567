"""Data sets of the UEA and UCR archives, as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, overload

import numpy as np

from mlstm_fcn._checks import require_choice
from mlstm_fcn.datasets import cache, places
from mlstm_fcn.datasets import synthetic as synthetic
from mlstm_fcn.datasets.catalogue import Description as Description
from mlstm_fcn.datasets.catalogue import describe as describe
from mlstm_fcn.datasets.catalogue import names as names
from mlstm_fcn.datasets.convert import convert as convert
from mlstm_fcn.datasets.fetch import FetchError as FetchError
from mlstm_fcn.datasets.formats import Dtype as Dtype
from mlstm_fcn.datasets.formats import FormatError as FormatError
from mlstm_fcn.datasets.formats import Series as Series
from mlstm_fcn.datasets.formats import read as read
from mlstm_fcn.datasets.formats import write as write
from mlstm_fcn.datasets.places import here as here
from mlstm_fcn.datasets.problem import Problem as Problem

__all__ = [
    "Description",
    "Dtype",
    "FetchError",
    "FormatError",
    "Problem",
    "Series",
    "convert",
    "describe",
    "here",
    "load",
    "names",
    "read",
    "synthetic",
    "write",
]


@overload
def load(
    name: str,
    split: None = None,
    *,
    dtype: Dtype = "float64",
    folder: Path | str | None = None,
    offline: bool = False,
    memory_map: bool = False,
) -> Problem: ...
@overload
def load(
    name: str,
    split: Literal["train", "test"],
    *,
    dtype: Dtype = "float64",
    folder: Path | str | None = None,
    offline: bool = False,
    memory_map: bool = False,
) -> tuple[Series, np.ndarray]: ...


def load(
    name: str,
    split: str | None = None,
    *,
    dtype: Dtype = "float64",
    folder: Path | str | None = None,
    offline: bool = False,
    memory_map: bool = False,
) -> Problem | tuple[Series, np.ndarray]:
    """Load a data set.

    It is looked for in the user's folder, in the cache, in what sktime ships, in a mirror, and then
    downloaded: `mlstm_fcn.datasets.places` says how each is named. What was read from text is kept as arrays
    in the cache.

    Args:
        name: One of `names()`, as the archive spells it, or any data set of the user's folder or mirror.
        split: `"train"` or `"test"` for one part; None for both.
        dtype: Type of the values, `"float64"` or `"float32"`.
        folder: A folder to look into first; None for the one that `MLSTM_FCN_DATA` names.
        offline: Download nothing.
        memory_map: Leave the values on disk, in the cache, and read what is used. Files `.npy` of the
            user's folder are used where they are, and must have `dtype`.

    Returns:
        A `Problem`, or for one part the pair (X, y): series as one array `(cases, channels, time)` or, where
        lengths differ, a list of arrays `(channels, time)`; labels as the archive spells them.

    Raises:
        ValueError: If there is no such data set. A `FormatError` is one too: a file is not in its format.
        FileNotFoundError: If it is not here, and `offline`.
        FetchError: If it could not be downloaded. It is an OSError.

    Example:
        >>> load("BasicMotions")
        Problem('BasicMotions': 40 training and 40 test cases, 6 channels, 100 steps, 4 classes)
    """
    require_choice("split", split, (*places.SPLITS, None))
    require_choice("dtype", dtype, ("float32", "float64"))
    sources = places.find(name, folder, offline)

    def part(split: str) -> tuple[Series, np.ndarray]:
        return cache.read_once(sources[split], places.cache_folder(), dtype, memory_map)

    return part(split) if split else Problem(name, *part("train"), *part("test"))
