"""`.ts`, the text format of timeseriesclassification.com.

Header lines begin with `@`. Then each line is one case: channels separated by colons, values by commas, and
the class label or regression target at the end. With timestamps, each value is `(stamp,value)`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import IO

import numpy as np

from mlstm_fcn.datasets.formats.cases import Block, Target, decoded, header_lines, number, read_blocks
from mlstm_fcn.datasets.formats.errors import FormatError, LineError

_FLAGS = {"@timestamps": None, "@classlabel": "label", "@targetlabel": "number"}
_SHOWN = 100  # labels in an error
_STAMPED = re.compile(rb"\s*\(([^()]*),([^(),]*)\)\s*([,:]?)")


@dataclass(frozen=True)
class Header:
    """The header fields needed to read the cases. Sizes are taken from the cases themselves.

    Attributes:
        target: The kind of target at the end of each line: `"label"`, `"number"` (regression) or None.
        labels: The labels listed in the header, as keys: a look-up takes the same time however many.
        has_timestamps: Whether values are `(stamp,value)` pairs.
    """

    target: str | None = None
    labels: dict[str, None] = field(default_factory=dict)
    has_timestamps: bool = False

    def split(self, line: bytes) -> tuple[bytes, Target | None]:
        """Split a line into body and target."""
        target = None
        if self.target:
            line, colon, last = line.rpartition(b":")
            if not colon:
                raise LineError(f"at least one channel before the {self.target}")
            target = self._target(last.strip(), column=len(line) + 2)
        return (_without_stamps(line) if self.has_timestamps else line), target

    def _target(self, text: bytes, column: int) -> Target:
        if self.target == "number":
            return number(text, column)
        label = decoded(text)
        if self.labels and label not in self.labels:
            shown = ", ".join(islice(self.labels, _SHOWN)) + (", ..." if len(self.labels) > _SHOWN else "")
            raise LineError(f"one of the labels {shown} at the end", column)
        if not label or (label == "?" and not self.labels):
            raise LineError("a label at the end; ? is a missing one", column)
        return label


def read(file: IO[bytes], path: object) -> Iterator[Block]:
    """Read the cases of a `.ts` file."""
    header, n_lines = _read_header(file, path)
    yield from read_blocks(file, path, n_lines + 1, header.split)


def write(file: IO[bytes], name: str, series: Sequence[np.ndarray], targets: np.ndarray) -> None:
    """Write cases, with the same header as the archive's files.

    Args:
        file: The file to write.
        name: The problem's name.
        series: Arrays `(channels, time)`.
        targets: Labels (strings), numbers, or empty.
    """
    lengths = {case.shape[1] for case in series}
    header = {
        "problemName": name,
        "timeStamps": "false",
        "missing": _flag(any(np.isnan(case).any() for case in series)),
        "univariate": _flag(len(series[0]) == 1),
        "dimensions": len(series[0]),
        "equalLength": _flag(len(lengths) == 1),
    }
    if len(lengths) == 1:
        header["seriesLength"] = lengths.pop()
    if targets.dtype.kind == "f":
        header["targetLabel"] = "true"
    else:
        header["classLabel"] = " ".join(["true", *np.unique(targets).tolist()]) if len(targets) else "false"
    file.write("".join(f"@{tag} {value}\n" for tag, value in header.items()).encode() + b"@data\n")
    ends = [f":{target}\n" for target in targets.tolist()] or ["\n"] * len(series)
    for case, end in zip(series, ends, strict=True):
        body = ":".join(",".join(map(_number, channel)) for channel in case.tolist())
        file.write((body + end).encode())


def _read_header(file: IO[bytes], path: object) -> tuple[Header, int]:
    target: str | None = None
    labels: dict[str, None] = {}
    has_timestamps = False
    for at, line in header_lines(file):
        tag, *words = line.split() or ["#"]
        if tag.startswith(("#", "%")):
            continue
        if not tag.startswith("@"):
            raise FormatError(path, "a header line that begins with @, or @data", line.strip(), at)
        if tag.lower() == "@data":
            return Header(target, labels, has_timestamps), at
        if tag.lower() in _FLAGS:
            flag = words[0].lower() if words else ""
            if flag not in ("true", "false"):
                raise FormatError(path, f"true or false after {tag}", flag, at)
            if tag.lower() == "@timestamps":
                has_timestamps = flag == "true"
            elif flag == "true":
                target, labels = _FLAGS[tag.lower()], dict.fromkeys(words[1:])
    raise FormatError(path, "a line @data", "none")


def _without_stamps(line: bytes) -> bytes:
    """Convert `(0,1.5),(1,2):(0,3),(1,4)` to `1.5,2:3,4`. A stamp may contain colons, as dates do."""
    body, end = [], 0
    while pair := _STAMPED.match(line, end):
        body += [pair[2], pair[3]]
        end = pair.end()
    if end != len(line) or not body or body[-1]:
        raise LineError("pairs (timestamp,value) separated by commas", end + 1)
    return b"".join(body)


def _flag(value: bool) -> str:
    return str(value).lower()


def _number(value: float) -> str:
    return "?" if value != value else repr(value)
