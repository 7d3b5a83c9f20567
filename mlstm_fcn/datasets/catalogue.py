"""Facts about the archives' data sets, with their sources, from three tables in this folder.

`catalogue.csv` has one row per data set; a cell is empty if the fact is uncertain. `published.csv` has
published accuracies on the default split. `studies.csv` has the protocol and source of each study.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from mlstm_fcn._checks import require_choice

ARCHIVES = {
    "UEA": "Bagnall et al.: The UEA multivariate time series classification archive, 2018. arXiv 1811.00075.",
    "UCR": "Dau et al.: The UCR time series archive. IEEE/CAA Journal of Automatica Sinica 6(6), 2019. "
    "arXiv 1810.07758.",
    "Multiverse": "Middlehurst et al.: The multiverse of time series machine learning, 2026. "
    "arXiv 2603.20352.",
    "TSER": "Tan et al.: Time series extrinsic regression, 2021. doi 10.1007/s10618-021-00745-9.",
    "other": "A data set for tests of the tsml and sktime projects.",
}
"""The archives, each with the paper to cite."""

LICENCE = (
    "Free for research with citation, as far as known. Most data sets of the archive have no known formal "
    "licence, and the original source of each may have its own terms."
)


@dataclass(frozen=True)
class Published:
    """A published accuracy on the default split.

    Attributes:
        method: The classifier.
        accuracy: Share of the test cases classified correctly, 0 to 1.
        protocol: How it was measured.
        source: Where the figure was published.
    """

    method: str
    accuracy: float
    protocol: str
    source: str


@dataclass(frozen=True)
class Description:
    """Facts about a data set; None if uncertain.

    Attributes:
        name: The name in the archive.
        archive: The archive, one of `ARCHIVES`.
        train_cases: Number of training cases.
        test_cases: Number of test cases.
        channels: Number of channels.
        min_length: Length of the shortest series.
        max_length: Length of the longest series.
        classes: Number of classes; None for regression too.
        equal_length: Whether all series have the same length.
        missing: Whether values are missing.
        source: The source of these facts.
        zenodo: The Zenodo record with the files.
        published: Accuracies on the default split, best first.
    """

    name: str
    archive: str
    train_cases: int | None
    test_cases: int | None
    channels: int | None
    min_length: int | None
    max_length: int | None
    classes: int | None
    equal_length: bool | None
    missing: bool | None
    source: str
    zenodo: str | None
    published: tuple[Published, ...] = ()

    @property
    def cases(self) -> int | None:
        """Number of training and test cases together."""
        return None if None in (self.train_cases, self.test_cases) else self.train_cases + self.test_cases  # type: ignore[operator]

    @property
    def citation(self) -> str:
        """The paper to cite."""
        return ARCHIVES[self.archive]

    @property
    def licence(self) -> str:
        """The terms of use, as far as known."""
        return LICENCE

    def __str__(self) -> str:
        lengths = {_shown(self.min_length), _shown(self.max_length)}
        lines = [
            f"{self.name} ({self.archive})",
            f"  cases      {_shown(self.train_cases)} training, {_shown(self.test_cases)} test",
            f"  channels   {_shown(self.channels)}",
            f"  steps      {' to '.join(sorted(lengths, key=lambda text: (len(text), text)))}",
            f"  classes    {'none (regression)' if self.archive == 'TSER' else _shown(self.classes)}",
            f"  missing    {_shown(self.missing)}",
            f"  facts      {self.source}",
            f"  cite       {self.citation}",
            f"  licence    {self.licence}",
        ]
        if self.published:
            lines.append("  published accuracy on the default split")
            lines += [f"    {p.accuracy:.4f}  {p.method}: {p.protocol} ({p.source})" for p in self.published]
        return "\n".join(lines)


def names(
    *, archive: str | None = None, equal_length: bool | None = None, max_cases: int | None = None
) -> list[str]:
    """List the data sets of the catalogue, in alphabetical order.

    Args:
        archive: `"UEA"` (multivariate), `"UCR"` (univariate), `"Multiverse"` (newer ones), `"TSER"`
            (regression) or `"other"`. If not given, all archives.
        equal_length: Only data sets with series of equal length (True) or of different lengths (False).
        max_cases: Maximum number of training and test cases together.

    Returns:
        Names. A filter excludes data sets for which its fact is unknown.

    Raises:
        ValueError: If no archive has this name.
    """
    if archive is not None:
        require_choice("archive", archive, ARCHIVES)
    return [
        name
        for name, row in _catalogue().items()
        if archive in (None, row.archive)
        and equal_length in (None, row.equal_length)
        and (max_cases is None or (row.cases is not None and row.cases <= max_cases))
    ]


def describe(name: str) -> Description:
    """Describe a data set.

    Args:
        name: One of `names()`.

    Returns:
        Sizes, published accuracies, citation and licence. It prints as a table.

    Raises:
        ValueError: If the catalogue has no data set of this name.
    """
    require_choice("name", name, _catalogue())
    return _catalogue()[name]


@cache
def _catalogue() -> dict[str, Description]:
    studies = {row["study"]: row for row in _rows("studies.csv")}
    published: dict[str, list[Published]] = {}
    for row in _rows("published.csv"):
        study = studies[row["study"]]
        one = Published(row["method"], float(row["accuracy"]), study["protocol"], study["source"])
        published.setdefault(row["name"], []).append(one)
    rows = sorted(_rows("catalogue.csv"), key=lambda row: row["name"].lower())
    return {row["name"]: _description(row, published.get(row["name"], [])) for row in rows}


def _rows(table: str) -> list[dict[str, str]]:
    text = (files("mlstm_fcn.datasets") / table).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _description(row: dict[str, str], published: list[Published]) -> Description:
    def number(column: str) -> int | None:
        return int(row[column]) if row[column] else None

    def flag(column: str) -> bool | None:
        return {"y": True, "n": False, "": None}[row[column]]

    return Description(
        name=row["name"],
        archive=row["archive"],
        train_cases=number("train_cases"),
        test_cases=number("test_cases"),
        channels=number("channels"),
        min_length=number("min_length"),
        max_length=number("max_length"),
        classes=number("classes"),
        equal_length=flag("equal_length"),
        missing=flag("missing"),
        source=row["source"],
        zenodo=row["zenodo"] or None,
        published=tuple(sorted(published, key=lambda one: -one.accuracy)),
    )


def _shown(value: object) -> str:
    if value is None:
        return "not known"
    return {"True": "yes", "False": "no"}.get(str(value), str(value))
