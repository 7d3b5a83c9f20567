"""What the fits of a plan need and this machine lacks, found before the first of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mlstm_fcn.benchmark.estimators import NamedEstimator
from mlstm_fcn.benchmark.plan import Plan
from mlstm_fcn.datasets import places

_EXTRAS = {"numba": "'mlstm-fcn[bench]'"}


def require_ready(plan: Plan, *, data: bool = True) -> None:
    """Raise unless every package and data set of the missing fits is there; data sets are downloaded.

    Args:
        plan: The plan.
        data: Whether to look for data sets; a cluster may have them where this machine has not.

    Raises:
        ValueError: If something is missing. The message has a line for each package and data set.
    """
    estimators = {job.key.estimator: job.estimator for job in plan.jobs}
    problems = {job.problem: job.folder for job in plan.jobs if isinstance(job.problem, str)}
    missing = [*_missing_packages(estimators.values()), *(_missing_data(problems) if data else ())]
    if missing:
        raise ValueError("\n".join(["No fit was started, since some would fail.", *missing]))


def _missing_packages(estimators: Iterable[NamedEstimator]) -> Iterator[str]:
    for one in estimators:
        for package in sorted({*_required(one.estimator)}):
            try:
                version(package)
            except PackageNotFoundError:
                yield f"{one.name} needs {package}: pip install {_EXTRAS.get(package, package)}"


def _required(estimator: Any) -> Iterator[str]:
    """Packages that an estimator of sktime, and every one nested in it, says that it needs."""
    for part in (estimator, *estimator.get_params(deep=True).values()):
        if isinstance(part, type) or not hasattr(part, "get_tag"):
            continue
        tag = part.get_tag("python_dependencies", None, raise_error=False) or []
        for requirement in [tag] if isinstance(tag, str) else tag:
            if isinstance(requirement, str):  # a list names alternatives
                yield re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _missing_data(problems: dict[str, str | None]) -> Iterator[str]:
    for name, folder in problems.items():
        try:
            places.find(name, folder)
        except (ValueError, OSError) as error:
            yield str(error)
