r"""`.arff`, Weka's text format, in the archives' dialect.

A univariate case is `1,2,3,label`. A multivariate case is one relational attribute and the label,
`'1,2,3\n4,5,6',label`, with one line of the relation per channel, separated by the two characters `\n`.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import IO

import numpy as np

from mlstm_fcn.datasets.formats.cases import Block, Target, decoded, header_lines, number, read_blocks
from mlstm_fcn.datasets.formats.errors import FormatError, LineError

_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|\S+)\s+(.*)", re.IGNORECASE)
_RELATIONAL = re.compile(rb"(?P<quote>['\"])(?P<body>[^'\"]*)(?P=quote)\s*,(?P<last>.*)")
_FLAT = re.compile(rb"(?P<body>[^'\"]*),(?P<last>\s*+(?:'[^']*'|\"[^\"]*\"|[^,]*+))")
_CHOICE = re.compile(r"\s*('[^']*'|\"[^\"]*\"|[^,]+)")
_SHOWN = 1000  # characters of the list of labels
_NUMERIC = ("numeric", "real", "integer")


def read(file: IO[bytes], path: object) -> Iterator[Block]:
    """Read the cases of an `.arff` file."""
    kinds, n_lines = _read_header(file, path)
    *others, last = kinds
    multivariate = "relational" in others
    if others != ["relational"] and not set(others) <= set(_NUMERIC):
        raise FormatError(path, "numeric attributes or one relation, then the target", ", ".join(kinds[:9]))
    n_values = None if multivariate else len(others)
    yield from read_blocks(file, path, n_lines + 1, lambda line: _split(line, n_values, last))


def write(file: IO[bytes], name: str, series: Sequence[np.ndarray], targets: np.ndarray) -> None:
    """Write cases. With several channels or different lengths they become a relational attribute."""
    lengths = {case.shape[1] for case in series}
    flat = len(lengths) == 1 and len(series[0]) == 1
    steps = [f"@attribute t{step} numeric\n" for step in range(max(lengths))]
    lines = [f"@relation {_quoted(name)}\n"]
    lines += steps if flat else ["@attribute series relational\n", *steps, "@end series\n"]
    numeric = targets.dtype.kind == "f"
    kind = "numeric" if numeric else "{" + ",".join(map(_quoted, np.unique(targets).tolist())) + "}"
    lines += [f"@attribute target {kind}\n", "@data\n"]
    file.write("".join(lines).encode())
    for case, target in zip(series, targets.tolist(), strict=True):
        body = "\\n".join(",".join(map(_number, channel)) for channel in case.tolist())
        end = repr(target) if numeric else _quoted(target)
        file.write((f"{body},{end}\n" if flat else f"'{body}',{end}\n").encode())


def _read_header(file: IO[bytes], path: object) -> tuple[list[str], int]:
    """The types of the attributes outside a relation, and the number of header lines."""
    kinds: list[str] = []
    within = False
    for at, line in header_lines(file):
        text = line.strip()
        tag = text.split(maxsplit=1)[0].lower() if text else "%"
        if tag == "@data":
            if not kinds:
                raise FormatError(path, "an @attribute before @data", line=at)
            return kinds, at
        if tag == "@attribute":
            found = _ATTRIBUTE.fullmatch(text)
            if not found:
                raise FormatError(path, "@attribute NAME KIND", text, at)
            if not within:
                kinds.append(_kind(found[2].strip()))
            within = within or kinds[-1] == "relational"
        elif tag == "@end":
            within = False
        elif not tag.startswith(("%", "@relation")):
            raise FormatError(path, "@relation, @attribute, @end or @data", text, at)
    raise FormatError(path, "a line @data", "none")


def _kind(text: str) -> str:
    return text if text.startswith("{") else text.lower()


def _split(line: bytes, n_values: int | None, kind: str) -> tuple[bytes, Target | None]:
    """A line of a relation, or of a number of values, and a target of a kind."""
    multivariate = n_values is None
    if found := (_RELATIONAL if multivariate else _FLAT).fullmatch(line):
        body, last = found["body"], found["last"].strip()
    if not found or b":" in body or not last:
        what = "a series in quotes" if multivariate else "values"
        raise LineError(f"{what}, a comma and a label")
    if n_values is not None and body.count(b",") + 1 != n_values:
        raise LineError(f"{n_values} values, one for each numeric attribute, and a label")
    body = body.replace(b"\\n", b":") if multivariate else body
    column = found.start("last") + 1
    if kind in _NUMERIC:
        return body, number(last, column)
    label = decoded(last).strip("'\"")
    if kind.startswith("{") and label not in _choices(kind):
        raise LineError(f"one of the labels {kind[:_SHOWN]} at the end", column)
    if label == "?" and not kind.startswith("{"):
        raise LineError("a label at the end; ? is a missing one", column)
    return body, label


@cache
def _choices(kind: str) -> frozenset[str]:
    return frozenset(match.strip("'\" ") for match in _CHOICE.findall(kind.strip("{} ")))


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[\w.+-]+", text) else f"'{text}'"


def _number(value: float) -> str:
    return "?" if value != value else repr(value)
