"""A folder of results on disk.

    <folder>/<estimator>/Predictions/<problem>/testResample<i>.csv    a result, see `tsml`
    <folder>/<estimator>/Failures/<problem>/testResample<i>.json      a failure
    <folder>/<estimator>/estimator.json                               fingerprint of the estimator
    <folder>/results.csv                                              all results, one row each

Writes are atomic. The process that calls `run` writes; several processes may share a folder, one per shard.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

import pandas as pd

from mlstm_fcn._checks import require
from mlstm_fcn._files import write_text, written_whole
from mlstm_fcn.benchmark import tsml
from mlstm_fcn.benchmark.estimators import NamedEstimator, fingerprint
from mlstm_fcn.benchmark.result import Failure, Result, RunKey

_SUFFIXES = {"Predictions": ".csv", "Failures": ".json"}


class Folder:
    """Results and failures of a benchmark.

    Args:
        path: The folder; created by the first write.
    """

    def __init__(self, path: Path | str):
        self.path: Path = Path(path)

    def results(self) -> dict[RunKey, Path]:
        """Paths of the result files."""
        return dict(self._files("Predictions"))

    def failures(self) -> dict[RunKey, Path]:
        """Paths of the failure files."""
        return dict(self._files("Failures"))

    def keep(self, outcome: Result | Failure) -> None:
        """Write a result or a failure; a result removes an earlier failure of the same fit."""
        failure = self._path_of(outcome.key, "Failures")
        if isinstance(outcome, Failure):
            write_text(failure, json.dumps(asdict(outcome), indent=1))
        else:
            write_text(self._path_of(outcome.key, "Predictions"), tsml.text(outcome))
            failure.unlink(missing_ok=True)

    def read_failures(self) -> list[Failure]:
        """Read all failures, sorted by estimator, problem and resample.

        Raises:
            ValueError: If a file is damaged.
        """
        found = []
        for key, path in sorted(self.failures().items(), key=lambda item: astuple(item[0])):
            try:
                values = json.loads(path.read_text(encoding="utf-8"))
                found.append(Failure(key, values["kind"], values["message"], values["traceback"]))
            except (ValueError, KeyError) as error:
                raise ValueError(f"{path} is damaged: {error!r}") from error
        return found

    def require_same(
        self, estimators: Iterable[NamedEstimator], resampled: bool, write_fingerprints: bool = True
    ) -> None:
        """Raise if the folder has results of a different estimator, or of other splits, under the same name.

        A recipe field that the stored fingerprint lacks is newer than the results, and counts as having its
        default. Failures of a different estimator without results are deleted.

        Args:
            estimators: The estimators of the benchmark.
            resampled: Whether each resample has its own split.
            write_fingerprints: Whether to store the fingerprints, and delete outdated failures.

        Raises:
            ValueError: If an estimator differs from the stored one, or its `estimator.json` is damaged.
        """
        for estimator in estimators:
            place = self.path / estimator.name
            current = _about(estimator, resampled)
            stored = _stored_about(place / "estimator.json")
            before = current if stored is None else {**_newer_defaults(stored, current), **stored}
            differing = [name for name in {**before, **current} if before.get(name) != current.get(name)]
            has_results = any((place / "Predictions").glob("*/*.csv"))
            rule = (
                f"{self.path} has results of a different {estimator.name!r}; choose another name or folder."
            )
            was, is_now = ({name: about.get(name) for name in differing} for about in (before, current))
            require(not differing or not has_results, rule, stored=was, current=is_now)
            if write_fingerprints and differing:
                shutil.rmtree(place / "Failures", ignore_errors=True)
            if write_fingerprints and stored != current:
                write_text(place / "estimator.json", json.dumps(current, indent=1))

    def table(self) -> pd.DataFrame:
        """All results, one row each, sorted by estimator, problem and resample.

        Raises:
            ValueError: If a file is not in tsml's format.
        """
        rows = [{**tsml.header(path), **asdict(key)} for key, path in self.results().items()]
        columns = ["estimator", "problem", "resample", "accuracy"]
        table = pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)
        return table.sort_values(columns[:3], ignore_index=True)

    def write_table(self, table: pd.DataFrame) -> None:
        """Write a table as `results.csv`, and as `results.parquet` if pyarrow is installed."""
        with written_whole(self.path / "results.csv") as partial:
            table.to_csv(partial, index=False)
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            return
        with written_whole(self.path / "results.parquet") as partial:
            table.to_parquet(partial, index=False)

    def _path_of(self, key: RunKey, kind: str) -> Path:
        name = f"testResample{key.resample}{_SUFFIXES[kind]}"
        return self.path / key.estimator / kind / key.problem / name

    def _files(self, kind: str) -> Iterator[tuple[RunKey, Path]]:
        for estimator in _folders(self.path):
            for problem in _folders(Path(estimator.path) / kind):
                for file in os.scandir(problem.path):
                    number = file.name.removeprefix("testResample").removesuffix(_SUFFIXES[kind])
                    if number.isdigit() and file.name == f"testResample{number}{_SUFFIXES[kind]}":
                        yield RunKey(estimator.name, problem.name, int(number)), Path(file.path)


def _about(estimator: NamedEstimator, resampled: bool) -> dict[str, str]:
    """Fingerprint of an estimator: its parameters, its splits, and every field of its recipe.

    The recipe is listed because a named recipe may change while the parameters do not.
    """
    about = {"estimator": estimator.description, "split": "resample" if resampled else "default"}
    if hasattr(estimator.estimator, "training_recipe"):
        recipe = estimator.estimator.training_recipe()
        about |= _recipe_entries(recipe)
    return about


def _recipe_entries(recipe: Any) -> dict[str, str]:
    values = vars(recipe).items()
    return {f"recipe.{name}": one if isinstance(one, str) else fingerprint(one) for name, one in values}


def _newer_defaults(stored: dict[str, str], current: dict[str, str]) -> dict[str, str]:
    """Defaults of the recipe fields of the current fingerprint that a stored one lacks."""
    lacking = [name for name in current if name.startswith("recipe.") and name not in stored]
    if not lacking:
        return {}
    from mlstm_fcn.training.recipes import Recipe

    return {name: value for name, value in _recipe_entries(Recipe()).items() if name in lacking}


def _stored_about(path: Path) -> dict[str, str] | None:
    """Read a stored fingerprint; None if the file does not exist.

    Raises:
        ValueError: If the file is damaged.
    """
    if not path.exists():
        return None
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    require(isinstance(about, dict), f"{path} is damaged: it must hold a dictionary.")
    entries: dict[str, str] = about
    return entries


def _folders(path):
    """Iterate over the subfolders of a folder that are not hidden; the folder may be missing."""
    if path.is_dir():
        yield from (entry for entry in os.scandir(path) if entry.is_dir() and entry.name[0] != ".")
