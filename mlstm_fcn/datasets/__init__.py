"""Data sets of the UEA and UCR archives, and your own tables and recordings, as arrays."""

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
from mlstm_fcn.datasets.folders import read_long as read_long
from mlstm_fcn.datasets.formats import Dtype as Dtype
from mlstm_fcn.datasets.formats import FormatError as FormatError
from mlstm_fcn.datasets.formats import Series as Series
from mlstm_fcn.datasets.formats import read as read
from mlstm_fcn.datasets.formats import write as write
from mlstm_fcn.datasets.places import here as here
from mlstm_fcn.datasets.problem import Problem as Problem
from mlstm_fcn.datasets.recordings import Recordings as Recordings
from mlstm_fcn.datasets.tables import from_long as from_long
from mlstm_fcn.datasets.tables import from_wide as from_wide
from mlstm_fcn.datasets.windowing import windows as windows

__all__ = [
    "Description",
    "Dtype",
    "FetchError",
    "FormatError",
    "Problem",
    "Recordings",
    "Series",
    "convert",
    "describe",
    "from_long",
    "from_wide",
    "here",
    "load",
    "names",
    "read",
    "read_long",
    "synthetic",
    "windows",
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

    The search order is: the user's folder, the cache, the data sets that sktime ships, a mirror, a download.
    `mlstm_fcn.datasets.places` documents each. Text files are parsed once and then cached as arrays.

    Args:
        name: One of `names()`, in the archive's spelling, or any data set in the user's folder or mirror.
        split: `"train"` or `"test"` for one part. If not given, both parts are loaded.
        dtype: Type of the values, `"float64"` or `"float32"`.
        folder: The folder to search first. If not given, `MLSTM_FCN_DATA`.
        offline: Never download.
        memory_map: Memory-map the values from the cache instead of reading them. `.npy` files in the user's
            folder are mapped in place and must have type `dtype`.

    Returns:
        A `Problem`, or for one part the pair (X, y). X is one array `(cases, channels, time)`, or a list of
        arrays `(channels, time)` if lengths differ. y holds the labels in the archive's spelling.

    Raises:
        ValueError: If no data set has this name. `FormatError`, for a malformed file, is a subclass.
        FileNotFoundError: If the data set is not on this machine and `offline` is set.
        FetchError: If the download failed. It is a subclass of OSError.

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
