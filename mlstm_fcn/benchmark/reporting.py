"""One page of a folder or table of results: tables, ranks, figures, failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from mlstm_fcn._checks import require
from mlstm_fcn._files import write_text
from mlstm_fcn.benchmark import figures
from mlstm_fcn.benchmark.comparison import Comparison, cliques, compare, mean_seconds
from mlstm_fcn.benchmark.document import Block, Code, Figure, Heading, Paragraph, Table, to_html, to_markdown
from mlstm_fcn.benchmark.reading import read_results
from mlstm_fcn.benchmark.result import Failure
from mlstm_fcn.datasets import describe, names

_MOST_FAILURES = 20


def write_report(
    results: Path | str,
    *,
    measure: str = "accuracy",
    published: bool = False,
    estimators: Sequence[str] | None = None,
) -> tuple[Path, Path]:
    """Write `report.html`, which needs no other file, and `report.md` with its figures in `report/`.

    Figures need matplotlib and scikit-posthocs (`pip install 'mlstm-fcn[plot]'`); without them there are
    none.

    Args:
        results: The folder of results, which gets `results.csv` too; or a file like that one, of which
            the columns estimator, problem, resample, fit_seconds and the measure are enough. The report is
            in the folder, or beside the file.
        measure: What is compared: accuracy, balanced_accuracy, f1, auroc or log_loss.
        published: Whether to set published accuracies of the archives beside the results.
        estimators: Names of those to report; None for all. Ranks and tests are over the data sets on which
            each of them has a result.

    Returns:
        The paths of both pages.

    Raises:
        FileNotFoundError: If there is no such folder or file.
        ValueError: If there is no result, a file is damaged, or a name is unknown.
    """
    place, table, failures = read_results(Path(results), estimators)
    said = [failure.message for failure in failures or ()]
    require(
        len(table) > 0 or not said,
        f"There must be a result to report; all fits of {place} failed.",
        first=said[:1],
    )
    comparison = compare(table, measure)
    blocks = [
        *_overview(comparison, table),
        *_per_problem(comparison, published and measure == "accuracy"),
        *_figures(comparison, table),
        *(_failures(failures) if failures is not None else ()),
        *_conditions(table),
    ]
    n_problems, n_estimators = comparison.mean.shape
    title = f"{_count(n_estimators, 'estimator')} on {_count(n_problems, 'data set')}"
    for block in blocks:
        if isinstance(block, Figure):
            write_text(place / "report" / f"{block.name}.svg", block.svg)
    pages = place / "report.html", place / "report.md"
    write_text(pages[0], to_html(title, blocks))
    write_text(pages[1], to_markdown(title, blocks, "report"))
    return pages


def _overview(comparison: Comparison, table: pd.DataFrame) -> Iterator[Block]:
    common = comparison.common
    yield Heading("Estimators")
    yield Paragraph(
        f"Means over the {len(common)} data sets on which all have results, of the means over resamples. "
        "Wins count the data sets on which none is better; p is Wilcoxon's, adjusted by Holm's method."
        + (" Memory is the largest of a whole process." if "memory_bytes" in table else "")
    )
    counts = comparison.count.loc[common]
    n_uneven = int((counts.min(axis=1) < counts.max(axis=1)).sum())
    if n_uneven:
        text = f"On {_count(n_uneven, 'data set')} not all have equally many resamples"
        yield Paragraph(f"{text}: each mean is over those that its estimator has.")
    columns = {**_costs_and_ranks(comparison, table), **_against_the_best(comparison)} if common else {}
    rows = [[str(name), *(texts[name] for texts in columns.values())] for name in comparison.ranks.index]
    yield Table(["estimator", *columns], rows if common else [])
    for group in cliques(comparison):
        yield Paragraph(f"No significant difference (p ≥ 0.05) between any two of: {', '.join(group)}.")


def _costs_and_ranks(comparison: Comparison, table: pd.DataFrame) -> dict[str, Mapping[str, str]]:
    """Columns of the overview: for each estimator a text."""
    common = comparison.common
    wins = [name for problem in common for name in comparison.best(problem)]
    columns = {
        "mean rank": comparison.ranks.map("{:.2f}".format),
        f"mean {comparison.measure.replace('_', ' ')}": comparison.mean.loc[common]
        .mean()
        .map("{:.4f}".format),
        "wins": {name: str(wins.count(name)) for name in comparison.ranks.index},
        "seconds of fit": mean_seconds(table, common).map("{:.1f}".format),
    }
    if "memory_bytes" in table:
        memory = table[table["problem"].isin(common)].groupby("estimator")["memory_bytes"].max()
        columns["MB"] = (memory / 1e6).map("{:.0f}".format)
    return columns


def _against_the_best(comparison: Comparison) -> dict[str, Mapping[str, str]]:
    """Further columns: the best by rank against each of the others."""
    best, *others = comparison.ranks.index
    counts = {name: comparison.wins(best, name, comparison.common) for name in others}
    won = {name: ", ".join(map(str, three)) for name, three in counts.items()}
    p_values = {name: f"{comparison.p_values.loc[best, name]:.2g}" for name in others}
    return {f"{best} won, equal, lost": {best: "", **won}, "p": {best: "", **p_values}} if others else {}


def _per_problem(comparison: Comparison, published: bool) -> Iterator[Block]:
    yield Heading(f"{comparison.measure.replace('_', ' ').capitalize()} by data set")
    yield Paragraph("Mean ± standard deviation over resamples (their number); the best in bold.")
    ordered = comparison.ranks.index.tolist()
    beside, protocols = _published(comparison.mean.index) if published else (pd.DataFrame(), {})
    rows, bold = [], set()
    for i, problem in enumerate(comparison.mean.index):
        cells = [_cell(comparison, problem, name) for name in ordered]
        best = comparison.best(problem)
        bold |= {(i, 1 + j) for j, name in enumerate(ordered) if name in best}
        known = beside.reindex([problem]).to_numpy(dtype=float)[0]
        rows.append([str(problem), *cells, *("" if np.isnan(value) else f"{value:.3f}" for value in known)])
    yield Table(["data set", *ordered, *beside.columns], rows, frozenset(bold))
    if protocols:
        yield Paragraph(
            "Published figures are of the default split, by others; nothing of them was run here."
        )
        yield Table(["protocol and source", "columns"], [[by, ", ".join(of)] for by, of in protocols.items()])


def _published(problems) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Accuracies of others, a column for each method; and which methods each protocol was of."""
    rows: dict[str, dict[str, float]] = {}
    protocols: dict[str, list[str]] = {}
    for problem in set(problems) & set(names()):
        for one in describe(problem).published:
            rows.setdefault(problem, {})[one.method] = one.accuracy
            methods = protocols.setdefault(f"{one.protocol} ({one.source})", [])
            if one.method not in methods:
                methods.append(one.method)
    table = pd.DataFrame.from_dict(rows, orient="index")
    order = table.mean().sort_values(ascending=False).index
    return table[order], {by: sorted(of) for by, of in sorted(protocols.items())}


def _cell(comparison, problem, name):
    mean, std, count = (getattr(comparison, part).loc[problem, name] for part in ("mean", "std", "count"))
    if pd.isna(mean):
        return ""
    spread = "" if pd.isna(std) else f" ± {std:.3f}"
    return f"{mean:.3f}{spread} ({count:.0f})"


def _figures(comparison: Comparison, table: pd.DataFrame) -> Iterator[Block]:
    if not find_spec("matplotlib") or not find_spec("scikit_posthocs"):
        yield Paragraph("Figures need matplotlib and scikit-posthocs: pip install 'mlstm-fcn[plot]'.")
        return
    if not comparison.common:
        yield Paragraph("There are no figures: there is no data set on which all estimators have results.")
        return
    yield Heading("Figures")
    if len(comparison.ranks) > 1:
        n = len(comparison.common)
        caption = (
            f"Mean ranks over {n} data sets; a bar joins estimators of whom no two differ significantly "
            "(Wilcoxon's signed-rank test, Holm's adjustment, 0.05)."
        )
        yield Figure("critical_difference", caption, figures.critical_difference(comparison))
        caption = "The best by mean rank against the others; above the line it is better."
        if comparison.measure == "log_loss":
            caption = "The best by mean rank against the others; below the line it is better."
        yield Figure("scatter", caption, figures.scatter(comparison))
    caption = "What is gained for the time."
    yield Figure("cost", caption, figures.cost(comparison, table))


def _failures(failures: list[Failure]) -> Iterator[Block]:
    yield Heading("Failures")
    if not failures:
        yield Paragraph("None.")
        return
    header = ["estimator", "data set", "resample", "kind", "message"]
    rows = [[f.key.estimator, f.key.problem, str(f.key.resample), f.kind, f.message[:200]] for f in failures]
    yield Table(header, rows)
    seen = {failure.message: failure for failure in failures}
    for failure in list(seen.values())[:_MOST_FAILURES]:
        if failure.traceback:
            yield Code(failure.traceback[-2000:].strip())


def _conditions(table: pd.DataFrame) -> Iterator[Block]:
    known = [column for column in ("split", "machine", "versions") if column in table]
    if known:
        yield Heading("Conditions")
    for column in known:
        values = sorted(map(str, table[column].dropna().unique()))
        yield Paragraph(f"{column.capitalize()}: {'; '.join(values)}.")


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
