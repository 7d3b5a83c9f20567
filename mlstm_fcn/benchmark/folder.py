"""A folder of results: what is there, what is missing, and the one table of it all.

    <folder>/<estimator>/Predictions/<problem>/testResample<i>.csv    a result, see `tsml`
    <folder>/<estimator>/Failures/<problem>/testResample<i>.json      why there is none
    <folder>/<estimator>/estimator.json                               what the name stands for
    <folder>/results.csv                                              all results, one row each

Files are whole or absent. The process that called `run` writes them; several may, each a shard of the work.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple
from pathlib import Path

import pandas as pd

from mlstm_fcn._checks import require
from mlstm_fcn._files import write_text, written_whole
from mlstm_fcn.benchmark import tsml
from mlstm_fcn.benchmark.estimators import NamedEstimator, fingerprint
from mlstm_fcn.benchmark.result import Failure, Result, RunKey

_KINDS = {"Predictions": ".csv", "Failures": ".json"}


class Folder:
    """Results of a benchmark.

    Args:
        path: The folder; it is made when something is written.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)

    def results(self) -> dict[RunKey, Path]:
        """The files of results."""
        return dict(self._files("Predictions"))

    def failures(self) -> dict[RunKey, Path]:
        """The files of failures."""
        return dict(self._files("Failures"))

    def keep(self, outcome: Result | Failure) -> None:
        """Write a result, which takes away an earlier failure; or a failure."""
        failure = self._place(outcome.key, "Failures")
        if isinstance(outcome, Failure):
            write_text(failure, json.dumps(asdict(outcome), indent=1))
        else:
            write_text(self._place(outcome.key, "Predictions"), tsml.text(outcome))
            failure.unlink(missing_ok=True)

    def read_failures(self) -> list[Failure]:
        """The failures, in the order of their cases.

        Raises:
            ValueError: If a file is damaged.
        """
        found = []
        for case, path in sorted(self.failures().items(), key=lambda item: astuple(item[0])):
            try:
                values = json.loads(path.read_text(encoding="utf-8"))
                found.append(Failure(case, values["kind"], values["message"], values["traceback"]))
            except (ValueError, KeyError) as error:
                raise ValueError(f"{path} is damaged: {error!r}") from error
        return found

    def require_same(
        self, estimators: Iterable[NamedEstimator], resampled: bool, keep_note: bool = True
    ) -> None:
        """Raise if a name stands for another estimator, or other splits, than before; else note it.

        Failures of an estimator that had no result are those of the other one, and are deleted.

        Raises:
            ValueError: If results of two kinds would be mixed under one name.
        """
        for estimator in estimators:
            note = self.path / estimator.name / "estimator.json"
            now = _about(estimator, resampled)
            before = json.loads(note.read_text(encoding="utf-8")) if note.exists() else now
            started = any((self.path / estimator.name / "Predictions").glob("*/*.csv"))
            other = [name for name in {**before, **now} if before.get(name) != now.get(name)]
            rule = f"{self.path} has results of another {estimator.name!r}; choose another name or folder."
            was, is_now = ({name: about.get(name) for name in other} for about in (before, now))
            require(not other or not started, rule, before=was, now=is_now)
            if keep_note and other:
                shutil.rmtree(self.path / estimator.name / "Failures", ignore_errors=True)
            if keep_note and (other or not note.exists()):
                write_text(note, json.dumps(now, indent=1))

    def table(self) -> pd.DataFrame:
        """All results, one row each, in the order of estimators, problems and resamples.

        Raises:
            ValueError: If a file is no result.
        """
        rows = [{**tsml.header(path), **asdict(case)} for case, path in self.results().items()]
        columns = ["estimator", "problem", "resample", "accuracy"]
        table = pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)
        return table.sort_values(columns[:3], ignore_index=True)

    def write_table(self, table: pd.DataFrame) -> None:
        """Write a table as `results.csv`, and as `results.parquet` where pyarrow is installed."""
        with written_whole(self.path / "results.csv") as partial:
            table.to_csv(partial, index=False)
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            return
        with written_whole(self.path / "results.parquet") as partial:
            table.to_parquet(partial, index=False)

    def _place(self, case: RunKey, kind: str) -> Path:
        name = f"testResample{case.resample}{_KINDS[kind]}"
        return self.path / case.estimator / kind / case.problem / name

    def _files(self, kind: str) -> Iterator[tuple[RunKey, Path]]:
        for estimator in _folders(self.path):
            for problem in _folders(Path(estimator.path) / kind):
                for file in os.scandir(problem.path):
                    number = file.name.removeprefix("testResample").removesuffix(_KINDS[kind])
                    if number.isdigit() and file.name == f"testResample{number}{_KINDS[kind]}":
                        yield RunKey(estimator.name, problem.name, int(number)), Path(file.path)


def _about(estimator: NamedEstimator, resampled: bool) -> dict[str, str]:
    """What a name stands for: the estimator, the splits, and of a preset, which may change, what it says."""
    about = {"estimator": estimator.description, "split": "resample" if resampled else "default"}
    if hasattr(estimator.estimator, "_recipe"):
        recipe = estimator.estimator._recipe()
        values = vars(recipe).items()
        about |= {f"recipe.{name}": one if isinstance(one, str) else fingerprint(one) for name, one in values}
    return about


def _folders(path):
    """The folders in a folder, those that begin with a point left out; none if it does not exist."""
    if path.is_dir():
        yield from (entry for entry in os.scandir(path) if entry.is_dir() and entry.name[0] != ".")
