"""The columns of a data frame of any kind, as arrays that are checked for their use."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from mlstm_fcn._checks import did_you_mean, require

Names = Hashable | Sequence[Hashable]


class Columns:
    """The columns of a frame by name; named levels of a pandas index are columns.

    Args:
        frame: The frame.

    Raises:
        TypeError: If it is not a data frame.
        ValueError: If it has no rows, or names are not unique.
    """

    def __init__(self, frame: Any) -> None:
        import narwhals as nw

        levels = getattr(getattr(frame, "index", None), "names", None)
        named = levels is not None and any(name is not None for name in levels)
        self._levels = [name for name in levels or () if named and hasattr(frame, "reset_index")]
        if self._levels:
            frame = frame.reset_index()
        try:
            self._frame = nw.from_native(frame, eager_only=True)
            self.names: list[Any] = list(self._frame.columns)
        except TypeError as error:
            kind = f"{type(frame).__module__}.{type(frame).__qualname__}"
            raise TypeError(
                "`frame` must be a pandas or polars DataFrame or a pyarrow Table. Make one with "
                f"`pandas.DataFrame(...)`; `collect()` a lazy one. Received: {kind}"
            ) from error
        flat = len(set(self.names)) == len(self.names) and not any(isinstance(n, tuple) for n in self.names)
        require(flat, "Columns must have one name each, and no name twice: rename them.", columns=self.names)
        require(len(self) > 0, "`frame` must have a row for each step of the series.", rows=0)

    def __len__(self) -> int:
        return len(self._frame)

    def others(self, taken: Sequence[Any]) -> list[Any]:
        """The columns that are neither taken nor levels of an index: those of values.

        Raises:
            ValueError: As `require_titles`.
        """
        found = [name for name in self.names if name not in taken and name not in self._levels]
        require_titles(found)
        return found

    def named(self, argument: str, names: Names) -> list[Any]:
        """Names as a list.

        Raises:
            ValueError: If there are none, one is given twice, or the frame has no such column.
        """
        found = list(names) if isinstance(names, list | tuple) else [names]
        require(
            len(set(found)) == len(found) > 0,
            f"`{argument}` must name columns, each once.",
            **{argument: names},
        )
        for name in found:
            if name not in self.names:
                hint = did_you_mean(name, self.names)
                rule = f"`{argument}` must be one of the columns {self.names}.{' ' if hint else ''}{hint}"
                require(False, rule, **{argument: name})
        return found

    def numbers(self, name: Any, dtype: np.dtype) -> np.ndarray:
        """A column of numbers; NaN is a missing value.

        Raises:
            ValueError: If it holds something else.
        """
        values = self._values(name)
        if values.dtype.kind == "O":
            missing = [value is None or bool(value != value) for value in values]
            pairs = enumerate(zip(values, missing, strict=True))
            bad = [row for row, (value, lost) in pairs if not lost and not hasattr(value, "__float__")]
            if bad:  # numbers are text where another value is
                row = min(bad, key=lambda row: (_is_numeral(values[row]), row))
                rule = (
                    f"The channel {name!r} must hold numbers, and has {values[row]!r} in row {row}. Leave it "
                    "out of `channels`, or convert it, as with `pandas.to_numeric(column, errors='coerce')`."
                )
                require(False, rule)
            values = np.where(missing, np.nan, values).astype(np.float64)
        rule = f"The channel {name!r} must hold numbers. Leave it out of `channels`, or convert it."
        require(values.dtype.kind in "biuf", rule, dtype=str(values.dtype))
        return values.astype(dtype, copy=False)

    def times(self, name: Any) -> np.ndarray:
        """A column of numbers, dates or durations.

        Raises:
            ValueError: If it holds something else.
        """
        values = self._values(name)
        rule = (
            f"The time {name!r} must hold numbers, dates or durations. Convert text, for example with "
            "`pandas.to_datetime`."
        )
        require(values.dtype.kind in "iufMm", rule, dtype=str(values.dtype), first=values[0])
        return values

    def keys(self, argument: str, names: Names) -> tuple[np.ndarray, np.ndarray]:
        """The label or name of each row: the value of one column, or of several, joined by "/".

        Returns:
            The number of each row's value, and the values in the order in which they appear.

        Raises:
            ValueError: If a column is unknown, lacks a value, or has values of two types.
        """
        import pandas as pd

        columns = self.named(argument, names)
        codes, values = self._key(argument, columns[0])
        if len(columns) == 1:
            return codes, values
        parts = [(codes, values), *(self._key(argument, name) for name in columns[1:])]
        for more, unique in parts[1:]:
            codes = pd.factorize(codes * len(unique) + more)[0]
        rows = np.unique(codes, return_index=True)[1]
        joined = np.array(["/".join(str(unique[part[row]]) for part, unique in parts) for row in rows])
        rule = f"The columns of `{argument}`, joined by '/', must not give two the same name: rename them."
        require(len(np.unique(joined)) == len(joined), rule, **{argument: names})
        return codes, joined

    def _key(self, argument: str, name: Any) -> tuple[np.ndarray, np.ndarray]:
        import pandas as pd

        codes, unique = pd.factorize(self._values(name))
        without = np.flatnonzero(codes < 0)
        rule = f"Every row must have a {argument}. Drop or name the rows without one in the column {name!r}."
        require(len(without) == 0, rule, rows=len(without), first=without[:1].tolist())
        kinds = sorted({type(value).__name__ for value in unique})
        rule = (
            f"The column {name!r} must hold values of one type. Convert it, for example with `astype(str)`."
        )
        require(len(kinds) == 1, rule, types=kinds)
        simple = isinstance(unique[0], str | int | float)
        return codes, np.array(unique.tolist()) if simple else unique

    def _values(self, name: Any) -> np.ndarray:
        return self._frame.get_column(name).to_numpy()


def require_titles(names: Sequence[Any]) -> None:
    """Raise if a column has no name in its file, as that of an index that pandas has written.

    Raises:
        ValueError: If so.
    """
    without = [name for name in names if re.fullmatch(r"Unnamed: \d+", str(name))]
    rule = (
        "Columns of values must have names; one without is often a written index. Name the columns to read, "
        "or drop it, as by `pandas.read_csv(..., index_col=0)`."
    )
    require(not without, rule, columns=without)


def _is_numeral(value: Any) -> bool:
    """Whether a value is the text of a number."""
    try:
        return float(value) is not None
    except (TypeError, ValueError):
        return False
