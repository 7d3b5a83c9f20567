"""File formats of the archives: text to arrays. Nothing here knows where files come from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

Series = np.ndarray | list[np.ndarray]
"""Series as one array `(cases, channels, time)`, or where lengths differ a list of `(channels, time)`."""


_FLAGS = {"@timestamps": None, "@classlabel": "label", "@targetlabel": "number"}


@dataclass(frozen=True)
class TsHeader:
    """What the `@` lines of a `.ts` file say that matters for reading it.

    Attributes:
        target: What the last field of each line is: `"label"`, `"number"` (for regression) or None.
        labels: The labels that the header announces, as it spells them.
        has_timestamps: Whether values are `(time, value)` pairs.
    """

    target: str | None = None
    labels: tuple[str, ...] = ()
    has_timestamps: bool = False


def read_ts(path: Path | str) -> tuple[Series, np.ndarray]:
    """Read a `.ts` file, the text format of timeseriesclassification.com.

    A line is one case: its channels are separated by colons, the values of a channel by commas, and the
    class label or the number to predict stands last. `?` and `NaN` are missing values.

    Args:
        path: The file.

    Returns:
        The series, float64, as one array `(cases, channels, time)` or, where lengths differ, a list of
        arrays `(channels, time)`; and the labels as the file spells them, an array of strings, or the
        numbers to predict, float64. A file with neither gives an empty array of strings.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not in the format; names the file, the line and what was expected.
    """
    path = Path(path)
    with path.open(encoding="utf-8", errors="replace") as lines:
        header, first = _read_header(lines, path)
        _expect(not header.has_timestamps, path, first - 1, "values without timestamps")
        series, targets = [], []
        for number, line in enumerate(lines, start=first):
            if line := line.strip():
                fields = line.split(":")
                if header.target:
                    targets.append(_target(fields.pop().strip(), header, path, number))
                series.append(_case(fields, path, number))
                _expect(len(series[0]) == len(series[-1]), path, number, f"{len(series[0])} channels")
    _expect(len(series) > 0, path, first, "at least one case after @data")
    return as_array_if_equal_length(series), np.array(
        targets, dtype=float if header.target == "number" else str
    )


def as_array_if_equal_length(series: list[np.ndarray]) -> Series:
    """One array where all series have one shape, else the list."""
    return np.stack(series) if len({case.shape for case in series}) == 1 else series


def _read_header(lines: TextIO, path: Path) -> tuple[TsHeader, int]:
    """Read up to `@data`; gives the header and the number of the line that follows."""
    target: str | None = None
    labels: tuple[str, ...] = ()
    has_timestamps = False
    for number, line in enumerate(lines, start=1):
        tag, *words = line.split() or ["#"]
        if tag.startswith(("#", "%")):
            continue
        _expect(tag.startswith("@"), path, number, "a header line that begins with @, or @data", tag[:60])
        if tag.lower() == "@data":
            return TsHeader(target, labels, has_timestamps), number + 1
        if tag.lower() in _FLAGS:
            flag = words[0].lower() if words else ""
            _expect(flag in ("true", "false"), path, number, f"true or false after {tag}", flag)
            if tag.lower() == "@timestamps":
                has_timestamps = flag == "true"
            elif flag == "true":
                target, labels = _FLAGS[tag.lower()], tuple(words[1:])
    raise ValueError(f"{path}: expected a line @data, received none.")


def _target(field: str, header: TsHeader, path: Path, number: int) -> str | float:
    if header.target == "number":
        try:
            return float(field)
        except ValueError:
            raise _error(path, number, "a number at the end", field[:60]) from None
    what = f"a label out of {', '.join(header.labels)} at the end" if header.labels else "a label at the end"
    _expect(field in header.labels or (field != "" and not header.labels), path, number, what, field[:60])
    return field


def _case(fields: list[str], path: Path, number: int) -> np.ndarray:
    _expect(len(fields) > 0, path, number, "at least one channel before the label")
    channels = [_values(field, path, number, f"channel {i}") for i, field in enumerate(fields, start=1)]
    for channel, values in enumerate(channels, start=1):
        where = f"{len(channels[0])} values in channel {channel}, as in channel 1"
        _expect(len(values) == len(channels[0]), path, number, where, len(values))
    return np.stack(channels)


def _values(field: str, path: Path, number: int, where: str) -> np.ndarray:
    try:
        return np.array(field.replace("?", "nan").split(","), dtype=np.float64)
    except ValueError:
        raise _error(path, number, f"numbers separated by commas in {where}", field[:60]) from None


def _expect(condition: bool, path: Path, number: int, what: str, received: object = None) -> None:
    if not condition:
        raise _error(path, number, what, received)


def _error(path: Path, number: int, what: str, received: object) -> ValueError:
    shown = "" if received is None else f" Received: {received!r}"
    return ValueError(f"{path}, line {number}: expected {what}.{shown}")
