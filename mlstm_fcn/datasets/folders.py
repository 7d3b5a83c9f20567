"""Long tables in files: one CSV or Parquet file, or a folder of them."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn._optional import optional
from mlstm_fcn.datasets.formats.errors import FormatError
from mlstm_fcn.datasets.recordings import Recordings, first_of
from mlstm_fcn.datasets.tables import from_long

DELIMITERS = {".csv": ",", ".txt": ",", ".tsv": "\t"}
SUFFIXES = (*DELIMITERS, ".parquet")


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

    root = Path(path)
    files = _files(root)
    base = root if root.is_dir() else root.parent
    tables = []
    for file in files:
        table = _table(file, header, damaged)
        added = {
            "file": file.relative_to(base).as_posix(),
            **_parts(file.relative_to(base).as_posix(), names),
        }
        both = [name for name in added if name in table.columns]
        rule = "Columns of the table and of its path must have different names: rename those in `names`."
        require(not both or both == ["file"], rule, both=both)
        tables.append(table.assign(**{name: text for name, text in added.items() if name not in both}))
    used = ["file", *re.findall(r"{(\w+)}", names or "")]
    if columns.get("channels") is None:
        stated = [columns.get(name) for name in ("time", "label", "group")] + [case]
        taken = {one for value in stated for one in (value if isinstance(value, list | tuple) else [value])}
        columns["channels"] = [name for name in tables[0].columns if name not in {*used, *taken}]
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


def _parts(path: str, names: str | None) -> dict[str, str]:
    """The columns that a path gives."""
    if names is None:
        return {}
    pieces = re.split(r"({\w+})", names)
    pattern = "".join(f"(?P<{one[1:-1]}>[^/]+?)" if one.startswith("{") else re.escape(one) for one in pieces)
    match = re.fullmatch(pattern, path)
    require(match is not None, "Paths in the folder must be made as `names` says.", path=path, names=names)
    return match.groupdict()  # type: ignore[union-attr]


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
    options = {} if header is None else {"names": header, "header": None, "index_col": False}
    try:
        return pd.read_csv(io.StringIO(text), sep=delimiter, low_memory=False, **options)
    except pd.errors.ParserError as error:
        raise FormatError(file, f"a table of values separated by {delimiter!r} ({error})") from error


def _without_damage(file: Path, text: str, delimiter: str, width: int | None, damaged: str) -> str:
    """Lines with the right number of values. Quoted values may hold delimiters: pandas counts those."""
    if '"' in text:
        return text
    lines = text.splitlines()
    counts = np.fromiter((line.count(delimiter) + 1 for line in lines), np.int64, len(lines))
    filled = np.fromiter(map(bool, map(str.strip, lines)), bool, len(lines))
    if width is None:
        width = int(counts[filled][0]) if filled.any() else 0
    bad = np.flatnonzero(filled & (counts != width))
    if len(bad) and damaged == "error":
        expected = f"{width} values, or `damaged='skip'` to leave out such lines ({len(bad)} in this file)"
        raise FormatError(file, expected, lines[bad[0]], int(bad[0]) + 1)
    if len(bad):
        numbers = first_of([str(line + 1) for line in bad])
        warnings.warn(
            f"{file}: lines without {width} values are left out: {numbers}.", UserWarning, stacklevel=4
        )
        text = "\n".join(
            line
            for line, is_bad in zip(lines, np.isin(np.arange(len(lines)), bad), strict=True)
            if not is_bad
        )
    return text
