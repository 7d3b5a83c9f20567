"""Long tables in files: one CSV or Parquet file, or a folder of them."""

from __future__ import annotations

import csv
import io
import re
from itertools import compress
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn._optional import optional
from mlstm_fcn._warnings import warn
from mlstm_fcn.datasets.columns import require_titles
from mlstm_fcn.datasets.formats.errors import FormatError
from mlstm_fcn.datasets.recordings import Recordings, first_of
from mlstm_fcn.datasets.tables import from_long

DELIMITERS = {".csv": ",", ".txt": ",", ".tsv": "\t"}
SUFFIXES = (*DELIMITERS, ".parquet")
_PART = r"{[A-Za-z_]\w*}"


def read_long(
    path: Path | str,
    *,
    case: Any = "file",
    names: str | None = None,
    header: list[Any] | None = None,
    damaged: Literal["error", "skip"] = "error",
    **columns: Any,
) -> Recordings:
    """Read series from a file with a long table, or from a folder of such files.

    Args:
        path: A file with the suffix `.csv`, `.tsv`, `.txt` (commas) or `.parquet`, or a folder, whose files
            of these kinds are read in the order of their names, with those in its folders.
        case: As in `from_long`. `"file"` is a column that each table gets: the path of its file in the
            folder.
        names: How paths in the folder are made, with columns in braces: `"{person}-{session}/{gesture}.csv"`
            adds three columns of text. Files with other names are an error.
        header: The names of the columns, if text files have no line of names.
        damaged: What to do with a line of a text file that has more or fewer values than the first: raise an
            error, or leave it out with a warning that has its number.
        **columns: `time`, `channels`, `label`, `group` and the other arguments of `from_long`.

    Raises:
        FileNotFoundError: If there is no such file, or no file in the folder.
        FormatError: If a line is damaged. The message has the file and the line.
        ImportError: If Parquet is read without pyarrow.
        ValueError: If a path does not match `names`, or as `from_long`.

    Example:
        >>> read_long("walks/", names="{person}/{walk}.csv", time="seconds", label="gait", group="person")
    """
    require_choice("damaged", damaged, ("error", "skip"))
    import pandas as pd

    parts = [part[1:-1] for part in re.findall(_PART, names or "")]
    once = len({"file", *parts}) == 1 + len(parts)
    require(once, "`names` must have each column once, and none called 'file'.", names=names)
    root = Path(path)
    base = root if root.is_dir() else root.parent
    tables = [
        _with_parts(_table(file, header, damaged), file.relative_to(base), names) for file in _files(root)
    ]
    first = list(tables[0].columns)
    for table in tables[1:]:
        both = {"first": first, table["file"].iloc[0]: list(table.columns)}
        require(set(table.columns) == set(first), "All files must have the same columns.", **both)
    if columns.get("channels") is None:
        roles = (case, *(columns.get(role) for role in ("time", "label", "group")))
        used = {one for role in roles for one in (role if isinstance(role, list | tuple) else [role])}
        columns["channels"] = [name for name in first if name not in used | {"file", *parts}]
        require_titles(columns["channels"])
    return from_long(pd.concat(tables, ignore_index=True), case=case, **columns)


def _files(root: Path) -> list[Path]:
    if not root.is_dir():
        require_choice("path.suffix", root.suffix.lower(), SUFFIXES)
        if not root.exists():
            raise FileNotFoundError(f"`path` must be a file or a folder. Received: path={str(root)!r}")
        return [root]
    files = sorted(file for file in root.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise FileNotFoundError(
            f"The folder must hold files with the suffixes {SUFFIXES}. Received: path={str(root)!r}"
        )
    return files


def _with_parts(table: Any, path: Path, names: str | None) -> Any:
    """A table with its path, and the columns that the path gives."""
    parts: dict[str, str] = {}
    if names is not None:
        pieces = re.split(f"({_PART})", names)
        pattern = "".join(
            f"(?P<{one[1:-1]}>[^/]+?)" if re.fullmatch(_PART, one) else re.escape(one) for one in pieces
        )
        match = re.fullmatch(pattern, path.as_posix())
        rule = "Paths in the folder must be made as `names` says."
        require(match is not None, rule, path=path.as_posix(), names=names)
        parts = match.groupdict()  # type: ignore[union-attr]
    both = [name for name in ("file", *parts) if name in table.columns]
    rule = "A table must have other columns than those of its path: rename them, in the table or in `names`."
    require(not both, rule, both=both)
    return table.assign(file=path.as_posix(), **parts)


def _table(file: Path, header: list[Any] | None, damaged: str) -> Any:
    import pandas as pd

    if file.suffix.lower() == ".parquet":
        optional("pyarrow", "parquet")
        return pd.read_parquet(file)
    delimiter = DELIMITERS[file.suffix.lower()]
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(file, "text in UTF-8") from error
    text = _without_damage(file, text, delimiter, None if header is None else len(header), damaged)
    if not text.strip():
        raise FormatError(file, "a line for each step")
    names = next(csv.reader(text.strip().splitlines()[:1], delimiter=delimiter)) if header is None else []
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise FormatError(file, "columns with names of their own", ", ".join(twice), 1)
    options = {} if header is None else {"names": header, "header": None, "index_col": False}
    try:
        return pd.read_csv(io.StringIO(text), sep=delimiter, low_memory=False, **options)
    except pd.errors.ParserError as error:
        raise FormatError(file, f"a table of values separated by {delimiter!r} ({error})") from error


def _without_damage(file: Path, text: str, delimiter: str, width: int | None, damaged: str) -> str:
    """The lines with the right number of values, and empty ones."""
    lines = text.split("\n")
    filled = np.fromiter(map(bool, map(str.strip, lines)), bool, len(lines))
    counts = _counts(file, lines, delimiter)
    if width is None:
        width = int(counts[filled][0]) if filled.any() else 0
    good = ~filled | (counts == width)
    bad = np.flatnonzero(~good)
    if len(bad) == 0:
        return text
    if damaged == "error":
        expected = f"{width} values, or `damaged='skip'` to leave out such lines ({len(bad)} in this file)"
        raise FormatError(file, expected, lines[bad[0]], int(bad[0]) + 1)
    numbers = first_of([str(line + 1) for line in bad])
    message = f"{file}: lines without {width} values are left out: {numbers}."
    warn(message)
    return "\n".join(compress(lines, good))


def _counts(file: Path, lines: list[str], delimiter: str) -> np.ndarray:
    """The number of values of each line. A quoted value may hold delimiters, and go on in the next line."""
    if not any('"' in line for line in lines):
        return np.fromiter((line.count(delimiter) + 1 for line in lines), np.int64, len(lines))
    counts, start = np.zeros(len(lines), np.int64), 0
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter)
    try:
        for row in reader:
            counts[start : reader.line_num] = len(row)
            start = reader.line_num
    except csv.Error as error:
        raise FormatError(file, f"quoted values that end ({error})", None, start + 1) from error
    return counts
