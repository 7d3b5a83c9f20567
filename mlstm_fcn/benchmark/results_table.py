"""Load the results to report, from a folder or from a table such as `results.csv`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.benchmark.comparison import MEASURES
from mlstm_fcn.benchmark.folder import Folder
from mlstm_fcn.benchmark.result import Failure

_MISSING = ("nan", "na", "n/a", "none", "null", "")
_KEY = ["estimator", "problem", "resample"]


def read_results(
    results: Path, estimators: Sequence[str] | None
) -> tuple[Path, pd.DataFrame, list[Failure] | None]:
    """Load results.

    Args:
        results: A folder of results, in which `results.csv` is written; or a table in the same format.
        estimators: Names of the estimators to report; None for all.

    Returns:
        The folder for the report, the table of results, and the failures (None for a table, which has no
        failures).

    Raises:
        FileNotFoundError: If the folder or file does not exist.
        ValueError: If a file is damaged or invalid, or the name of an estimator is unknown.
    """
    if not results.exists():
        raise FileNotFoundError(f"The folder or table of results {results} does not exist.")
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
    missing = [name for name in (*_KEY, "fit_seconds") if name not in table]
    rule = f"A table of results must have the columns {', '.join(_KEY)} and fit_seconds."
    require(not missing, rule, file=str(file), missing=missing)
    for name in {"resample", "fit_seconds", *MEASURES} & set(table):
        table[name] = _as_numbers(table[name], file)
    duplicates = table[table.duplicated(_KEY)]
    rule = "A table of results must have one row for each estimator, problem and resample."
    require(duplicates.empty, rule, duplicates=duplicates[_KEY].head(3).to_numpy().tolist())
    return table


def _as_numbers(column: pd.Series, file: Path) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = column[numbers.isna() & column.notna()].astype(str)
    wrong = wrong[~wrong.str.strip().str.lower().isin(_MISSING)]
    rule = f"The column {column.name} of a table of results must hold numbers."
    require(wrong.empty, rule, file=str(file), **{str(column.name): wrong.head(3).tolist()})
    return numbers
