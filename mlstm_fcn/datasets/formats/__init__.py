"""File formats of the archives: files to arrays and back. Nothing here knows where files come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

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
        read: File and its name for errors, to blocks of cases.
        write: File, problem's name, series and targets.
        max_channels: How many channels it can hold; None for any number.
        padded: Whether NaN at the end of a series are no part of it.
        numbers: Whether it can hold numbers to predict.
        unlabelled: Whether it can hold series without targets.
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
"""Text formats by the ending of the file's name, in the order in which they are preferred."""

SUFFIXES = (*FORMATS, ".npz", ".npy")

_WORD = re.compile(r"[^\s:,'\"\\{}#%@?][^\s:,'\"\\{}]*")


def read(
    path: Path | str | Source, dtype: Dtype = "float64", memory_map: bool = False
) -> tuple[Series, np.ndarray]:
    """Read series and their labels from a file.

    Args:
        path: A file whose name ends in `.ts`, `.arff`, `.tsv`, `.txt`, `.csv` or `.npz`; or `X_train.npy` or
            `X_test.npy`, with `y_train.npy` or `y_test.npy` beside it.
        dtype: Type of the values, `"float64"` or `"float32"`.
        memory_map: Leave the values of an `.npy` file on disk, and read what is used.

    Returns:
        The series, as one array `(cases, channels, time)` or, where lengths differ, a list of arrays
        `(channels, time)`; and the labels as the file spells them, an array of strings, or the numbers to
        predict, float64. A file with neither gives an empty array of strings. NaN is a missing value.

    Raises:
        FileNotFoundError: If there is no such file.
        FormatError: If the file is not in its format; names file, line, column and what was expected. It is
            a ValueError.
        ValueError: If the ending is another.
    """
    source = path if isinstance(path, Source) else Source(Path(path))
    require_choice("dtype", dtype, ("float32", "float64"))
    require(
        not memory_map or source.name.suffix == ".npy", "Only .npy files can be memory-mapped.", path=path
    )
    if source.name.suffix == ".npy":
        return arrays.read_npy(source, np.dtype(dtype), memory_map)
    if source.name.suffix == ".npz":
        with source.open() as file:
            return arrays.read_npz(file, source, np.dtype(dtype))
    return arrays.gather(blocks(source), np.dtype(dtype))


def blocks(source: Source) -> Iterator[Block]:
    """The cases of a file in a text format, a block at a time."""
    suffix = _known(source.name.suffix, FORMATS)
    with source.open() as file:
        yield from FORMATS[suffix].read(file, source)


def write(path: Path | str, X: Any, y: Any = ()) -> None:
    """Write series and labels to a file, whole or not at all.

    Args:
        path: Where to; the ending of its name is the format, `.ts`, `.arff`, `.tsv`, `.txt`, `.csv` or
            `.npz`.
        X: Series, `(cases, channels, time)` or a list of `(channels, time)`.
        y: Labels (kept as strings), numbers to predict (floats), or nothing.

    Raises:
        ValueError: If the format cannot hold the data such that reading gives them back.
    """
    path = Path(path)
    series = [np.asarray(case, np.float64) for case in X]
    require(len(series) > 0, "There must be a series to write.")
    require(
        all(case.ndim == 2 and case.size and len(case) == len(series[0]) for case in series),
        "Every series must be (channels, time), with the same number of channels.",
        shapes=sorted({case.shape for case in series})[:5],
    )
    targets = _targets(y)
    one_each = targets.ndim == 1 and len(targets) in (0, len(series))
    require(one_each, "There must be a label for each series, or none.", y=targets.shape)
    suffix = _known(path.suffix, (*FORMATS, ".npz"))
    if suffix != ".npz":
        _require_fits(FORMATS[suffix], suffix, series, targets)
    name = re.sub(r"_(TRAIN|TEST)$", "", path.stem)
    with written_whole(path) as partial, partial.open("xb") as file:
        (arrays.write_npz if suffix == ".npz" else FORMATS[suffix].write)(file, name, series, targets)


def _targets(y: Any) -> np.ndarray:
    """Labels as strings, numbers to predict as floats."""
    values = np.asarray(y)
    if values.dtype == object:
        missing = [value for value in values.tolist() if value is None or value != value]
        numbers = all(isinstance(value, float) for value in values.tolist())
        require(numbers or not missing, "No label may be missing.", y=missing[:3])
        return values.astype(np.float64 if numbers else np.str_)
    return values.astype(np.float64 if values.dtype.kind == "f" and values.size else np.str_)


def _known(suffix: str, known: Iterable[str]) -> str:
    require(suffix in known, f"The file's name must end in {', '.join(known)}.", suffix=suffix)
    return suffix


def _require_fits(form: Format, suffix: str, series: list[np.ndarray], targets: np.ndarray) -> None:
    channels = len(series[0])
    fits = form.max_channels is None or channels <= form.max_channels
    require(fits, f"A {suffix} file holds one channel.", channels=channels)
    ends = not form.padded or not any(np.isnan(case[:, -1]).all() and case.shape[1] > 1 for case in series)
    require(ends, f"In a {suffix} file a series cannot end with NaN; .npz and .ts can hold that.")
    require(len(targets) > 0 or form.unlabelled, f"A {suffix} file needs labels.", y=targets)
    if targets.dtype.kind == "f":
        require(form.numbers, f"A {suffix} file holds labels, not numbers to predict.", y=targets[:3])
        return
    unfit = [label for label in np.unique(targets).tolist() if not _WORD.fullmatch(label)]
    rule = (
        f"Labels in a {suffix} file must be words without spaces, quotes, colons and commas; .npz takes any."
    )
    require(not unfit, rule, labels=unfit[:5])
