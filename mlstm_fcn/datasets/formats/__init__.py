"""Read and write the archives' file formats. `places` finds the files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mlstm_fcn._arrays import as_array
from mlstm_fcn._checks import require, require_choice
from mlstm_fcn._files import written_whole
from mlstm_fcn.datasets.formats import arff, arrays, ts, ucr
from mlstm_fcn.datasets.formats.arrays import Series as Series
from mlstm_fcn.datasets.formats.cases import Block
from mlstm_fcn.datasets.formats.errors import FormatError as FormatError
from mlstm_fcn.datasets.formats.source import Source as Source

__all__ = ["FORMATS", "Dtype", "Format", "FormatError", "Series", "Source", "blocks", "read", "write"]

Dtype = Literal["float32", "float64"]


@dataclass(frozen=True)
class Format:
    """A text format.

    Attributes:
        read: Takes a file and its name for errors; yields blocks of cases.
        write: Takes a file, the problem's name, series and targets.
        max_channels: Maximum number of channels; None for any number.
        padded: Whether NaN at the end of a series is padding.
        numbers: Whether targets may be numbers, for regression.
        unlabelled: Whether series may have no targets.
    """

    read: Callable[..., Iterator[Block]]
    write: Callable[..., None]
    max_channels: int | None = None
    padded: bool = False
    numbers: bool = True
    unlabelled: bool = False


_UCR = Format(ucr.read, ucr.write, max_channels=1, padded=True, numbers=False)
FORMATS = {
    ".ts": Format(ts.read, ts.write, unlabelled=True),
    ".arff": Format(arff.read, arff.write),
    ".tsv": _UCR,
    ".txt": _UCR,
    ".csv": _UCR,
}
"""Text formats by file suffix, in order of preference."""

SUFFIXES = (*FORMATS, ".npz", ".npy")

_WORD = re.compile(r"[^\s:,'\"\\{}#%@?][^\s:,'\"\\{}]*")


def read(
    path: Path | str | Source, dtype: Dtype = "float64", memory_map: bool = False
) -> tuple[Series, np.ndarray]:
    """Read series and their labels from a file.

    Args:
        path: A file with the suffix `.ts`, `.arff`, `.tsv`, `.txt`, `.csv` or `.npz`; or `X_train.npy` or
            `X_test.npy`, with `y_train.npy` or `y_test.npy` in the same folder.
        dtype: Type of the values, `"float64"` or `"float32"`.
        memory_map: Memory-map the values instead of reading them; `.npy` only.

    Returns:
        The pair (X, y). X is one array `(cases, channels, time)`, or a list of arrays `(channels, time)` if
        lengths differ; NaN is a missing value. y is an array of strings in the file's spelling, or float64
        for regression. It is an empty array of strings if the file has no targets.

    Raises:
        FileNotFoundError: If the file does not exist.
        FormatError: If the file is malformed. The message has the file, line, column and expected text. It is
            a subclass of ValueError.
        ValueError: If the suffix is unknown.
    """
    source = path if isinstance(path, Source) else Source(Path(path))
    require_choice("dtype", dtype, ("float32", "float64"))
    _known(source.name.suffix, SUFFIXES)
    require(not memory_map or source.name.suffix == ".npy", "`memory_map` requires a .npy file.", path=path)
    if source.name.suffix == ".npy":
        return arrays.read_npy(source, np.dtype(dtype), memory_map)
    if source.name.suffix == ".npz":
        with source.open() as file:
            return arrays.read_npz(file, source, np.dtype(dtype))
    return arrays.gather(blocks(source), np.dtype(dtype))


def blocks(source: Source) -> Iterator[Block]:
    """Read a text file, one block of cases at a time."""
    suffix = _known(source.name.suffix, FORMATS)
    with source.open() as file:
        yield from FORMATS[suffix].read(file, source)


def arrays_of(X: Any) -> list[np.ndarray]:
    """Series as arrays, with NaN for masked values.

    Raises:
        ValueError: If they are data frames, which hold `(time, channels)`.
    """
    given = [X] if hasattr(X, "columns") else list(X)
    frames = any(hasattr(one, "columns") for one in given)
    require(not frames, "Series must be arrays `(channels, time)`: give `frame.to_numpy().T` of each frame.")
    return [np.asarray(as_array(one)) for one in given]


def write(path: Path | str, X: Any, y: Any = ()) -> None:
    """Write series and labels to a file. The file is written completely or not at all.

    Args:
        path: The file. Its suffix selects the format: `.ts`, `.arff`, `.tsv`, `.txt`, `.csv` or `.npz`.
        X: Series, `(cases, channels, time)` or a list of `(channels, time)`.
        y: Labels (written as strings), numbers for regression (floats), or empty.

    Raises:
        ValueError: If the format cannot hold the data without loss.
    """
    path = Path(path)
    series = [case.astype(np.float64) for case in arrays_of(X)]
    require(len(series) > 0, "X must hold at least one series.")
    require(
        all(case.ndim == 2 and case.size and len(case) == len(series[0]) for case in series),
        "Every series must be (channels, time), with the same number of channels.",
        shapes=sorted({case.shape for case in series})[:5],
    )
    targets = _targets(y)
    one_each = targets.ndim == 1 and len(targets) in (0, len(series))
    require(one_each, "`y` must have one label per series, or be empty.", y=targets.shape)
    suffix = _known(path.suffix, (*FORMATS, ".npz"))
    if suffix != ".npz":
        _require_fits(FORMATS[suffix], suffix, series, targets)
    name = re.sub(r"_(TRAIN|TEST)$", "", path.stem)
    with written_whole(path) as partial, partial.open("x+b") as file:
        (arrays.write_npz if suffix == ".npz" else FORMATS[suffix].write)(file, name, series, targets)


def _targets(y: Any) -> np.ndarray:
    """Labels as strings, regression targets as floats."""
    values = np.asarray(y)
    if values.dtype == object:
        missing = [value for value in values.tolist() if value is None or value != value]
        numbers = all(isinstance(value, float) for value in values.tolist())
        require(numbers or not missing, "No label may be missing.", y=missing[:3])
        return values.astype(np.float64 if numbers else np.str_)
    return values.astype(np.float64 if values.dtype.kind == "f" and values.size else np.str_)


def _known(suffix: str, known: Iterable[str]) -> str:
    require(suffix in known, f"The file suffix must be one of {', '.join(known)}.", suffix=suffix)
    return suffix


def _require_fits(form: Format, suffix: str, series: list[np.ndarray], targets: np.ndarray) -> None:
    channels = len(series[0])
    fits = form.max_channels is None or channels <= form.max_channels
    require(fits, f"A {suffix} file can hold only one channel.", channels=channels)
    ends = not form.padded or not any(np.isnan(case[:, -1]).all() and case.shape[1] > 1 for case in series)
    require(ends, f"A series in a {suffix} file cannot end with NaN. Write .npz or .ts instead.")
    require(len(targets) > 0 or form.unlabelled, f"A {suffix} file requires labels.", y=targets)
    if targets.dtype.kind == "f":
        require(form.numbers, f"A {suffix} file can hold only labels, not regression targets.", y=targets[:3])
        return
    unfit = [label for label in np.unique(targets).tolist() if not _WORD.fullmatch(label)]
    rule = f"Labels in a {suffix} file must not contain spaces, quotes, colons or commas. Write .npz instead."
    require(not unfit, rule, labels=unfit[:5])
