"""`.tsv`, `.txt` and `.csv` files of the UCR archive: one case per line, the label first, then the values.

Series have one channel, and the file has no header. Shorter series are padded with NaN, so NaN at the end of
a line is padding.
"""

from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np

from mlstm_fcn.datasets.formats.cases import Block, Target, decoded, read_blocks
from mlstm_fcn.datasets.formats.errors import LineError

_MISSING = (b"nan", b"?")
_TITLES = (b"label", b"labels", b"class", b"target", b"y")


def read(file: IO[bytes], path: object) -> Iterator[Block]:
    """Read the cases of a file. Tabs, commas or spaces separate the values."""
    yield from read_blocks(file, path, 1, _split, comments=())


def write(file: IO[bytes], name: str, series: Sequence[np.ndarray], targets: np.ndarray) -> None:
    """Write cases separated by tabs. The format has no field for `name`."""
    longest = max(case.shape[1] for case in series)
    for case, target in zip(series, targets.tolist(), strict=True):
        padded = case[0].tolist() + [np.nan] * (longest - case.shape[1])
        fields = [target, *("NaN" if value != value else repr(value) for value in padded)]
        file.write("\t".join(map(str, fields)).encode() + b"\n")


def _split(line: bytes) -> tuple[bytes, Target | None]:
    separator = b"\t" if b"\t" in line else b","
    if separator not in line:
        line = separator.join(line.split())
    label, _, body = line.partition(separator)
    if label.strip().lower() in _MISSING:
        raise LineError("a label first; ? and NaN are missing ones")
    if label.strip().lower() in _TITLES and _are_numbers_of_steps(body.split(separator)):
        raise LineError("a label and values; leave out the line of the columns' names")
    if not label.strip() or not body or b":" in body or (separator != b"," and b"," in body):
        raise LineError("a label and values, separated by tabs, commas or spaces")
    return _without_padding(body.replace(separator, b",")), decoded(label).strip()


def _are_numbers_of_steps(fields: list[bytes]) -> bool:
    """Whether fields are 0, 1, 2, ... or 1, 2, 3, ..., as names of columns are."""
    return any(fields == [b"%d" % number for number in range(start, start + len(fields))] for start in (0, 1))


def _without_padding(body: bytes) -> bytes:
    """Remove NaN at the end of a body. If all values are NaN, keep the first."""
    if not body.lower().endswith(_MISSING):
        return body
    values = body.split(b",")
    while len(values) > 1 and values[-1].strip().lower() in _MISSING:
        values.pop()
    return b",".join(values)
