"""Results to report: those of a folder, or of a table alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.benchmark.comparison import MEASURES
from mlstm_fcn.benchmark.folder import Folder
from mlstm_fcn.benchmark.result import Failure

_NO_NUMBER = ("nan", "na", "n/a", "none", "null", "")
_PLACE = ["estimator", "problem", "resample"]


def read_results(
    results: Path, estimators: Sequence[str] | None
) -> tuple[Path, pd.DataFrame, list[Failure] | None]:
    """What a report is of.

    Args:
        results: A folder of results, which gets `results.csv`; or a file like that one.
        estimators: Names of those to report; None for all.

    Returns:
        Where the report goes, the table, and the failures; of those a table does not tell: None.

    Raises:
        FileNotFoundError: If there is no such folder or file.
        ValueError: If a file is damaged, or a name is unknown.
    """
    if not results.exists():
        raise FileNotFoundError(f"There is no folder or table of results {results}.")
    if results.is_file():
        place, table, failures = results.parent, _read_table(results), None
    else:
        folder = Folder(results)
        place, table, failures = results, folder.table(), folder.read_failures()
        if len(table):
            folder.write_table(table)
    if estimators is not None:
        known = dict.fromkeys([*table["estimator"], *(failure.key.estimator for failure in failures or ())])
        for name in estimators:
            require_choice("estimators", name, known)
        table = table[table["estimator"].isin(estimators)]
        failures = failures and [failure for failure in failures if failure.key.estimator in estimators]
    return place, table, failures


def _read_table(file: Path) -> pd.DataFrame:
    texts = dict.fromkeys(("estimator", "problem"), str)
    table = pd.read_csv(file, dtype=texts, keep_default_na=False, na_values=[""])
    lacking = [name for name in (*_PLACE, "fit_seconds") if name not in table]
    rule = f"A table of results must have the columns {', '.join(_PLACE)} and fit_seconds."
    require(not lacking, rule, file=str(file), lacking=lacking)
    for name in {"resample", "fit_seconds", *MEASURES} & set(table):
        table[name] = _as_numbers(table[name], file)
    twice = table[table.duplicated(_PLACE)]
    rule = "A table of results must have one row for each estimator, problem and resample."
    require(twice.empty, rule, twice=twice[_PLACE].head(3).to_numpy().tolist())
    return table


def _as_numbers(column: pd.Series, file: Path) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = column[numbers.isna() & column.notna()].astype(str)
    wrong = wrong[~wrong.str.strip().str.lower().isin(_NO_NUMBER)]
    rule = f"The column {column.name} of a table of results must hold numbers."
    require(wrong.empty, rule, file=str(file), **{str(column.name): wrong.head(3).tolist()})
    return numbers
