"""Write the report of a folder or table of results: tables, ranks, figures and failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from mlstm_fcn._checks import require
from mlstm_fcn._document import Block, Code, Figure, Heading, Paragraph, Table, to_html, to_markdown
from mlstm_fcn._files import write_text
from mlstm_fcn.benchmark import figures
from mlstm_fcn.benchmark.comparison import Comparison, cliques, compare, mean_seconds
from mlstm_fcn.benchmark.result import Failure
from mlstm_fcn.benchmark.results_table import read_results
from mlstm_fcn.datasets import describe, names

_MOST_FAILURES = 20  # tracebacks to show


def write_report(
    results: Path | str,
    *,
    measure: str = "accuracy",
    published: bool = False,
    estimators: Sequence[str] | None = None,
) -> tuple[Path, Path]:
    """Write `report.html`, a self-contained page, and `report.md` with its figures in `report/`.

    Figures need matplotlib and scikit-posthocs (`pip install 'mlstm-fcn[plot]'`), and are left out otherwise.

    Args:
        results: A folder of results, in which `results.csv` is written too; or a table with at least the
            columns `estimator`, `problem`, `resample`, `fit_seconds` and the measure. The report is written
            to this folder, or to the folder of the table.
        measure: Measure to compare: `"accuracy"`, `"balanced_accuracy"`, `"f1"`, `"auroc"` or `"log_loss"`.
        published: Whether to add columns of published accuracies.
        estimators: Names of the estimators to report; None for all. Ranks and tests use the data sets on
            which each of them has a result.

    Returns:
        The paths of the HTML and the Markdown page.

    Raises:
        FileNotFoundError: If the folder or table does not exist.
        ValueError: If there is no result, a file is damaged, or a name is unknown.
    """
    place, table, failures = read_results(Path(results), estimators)
    messages = [failure.message for failure in failures or ()]
    rule = f"There must be at least one result to report; all fits in {place} failed."
    require(len(table) > 0 or not messages, rule, first=messages[:1])
    comparison = compare(table, measure)
    blocks = [
        *_overview(comparison, table),
        *_per_problem(comparison, published and measure == "accuracy"),
        *_figures(comparison, table),
        *(_failures(failures) if failures is not None else ()),
        *_setup(table),
    ]
    n_problems, n_estimators = comparison.mean.shape
    title = f"{_count(n_estimators, 'estimator')} on {_count(n_problems, 'data set')}"
    for block in blocks:
        if isinstance(block, Figure):
            write_text(place / "report" / f"{block.name}.svg", block.drawing)
    pages = place / "report.html", place / "report.md"
    write_text(pages[0], to_html(title, blocks))
    write_text(pages[1], to_markdown(title, blocks, "report"))
    return pages


def _overview(comparison: Comparison, table: pd.DataFrame) -> Iterator[Block]:
    common = comparison.common
    yield Heading("Estimators")
    yield Paragraph(
        f"Means over the {len(common)} data sets on which all estimators have results, of the means over "
        "resamples. Wins are data sets with the best mean, ties included. p-values are those of Wilcoxon's "
        "signed-rank test, adjusted by Holm's method."
        + (" Epochs are the least and most of a fit." if "epochs" in table else "")
        + (" MB is the peak memory of a process." if "memory_bytes" in table else "")
    )
    counts = comparison.count.loc[common]
    n_uneven = int((counts.min(axis=1) < counts.max(axis=1)).sum())
    if n_uneven:
        text = f"On {_count(n_uneven, 'data set')} the number of resamples differs between estimators"
        yield Paragraph(f"{text}; each mean uses all resamples of its estimator.")
    columns = {**_costs_and_ranks(comparison, table), **_against_the_best(comparison)} if common else {}
    rows = [[str(name), *(texts[name] for texts in columns.values())] for name in comparison.ranks.index]
    yield Table(["estimator", *columns], rows if common else [])
    for group in cliques(comparison):
        yield Paragraph(f"No pair differs significantly (p ≥ 0.05) among: {', '.join(group)}.")


def _costs_and_ranks(comparison: Comparison, table: pd.DataFrame) -> dict[str, Mapping[str, str]]:
    """Columns of the overview, as a text for each estimator."""
    common = comparison.common
    wins = [name for problem in common for name in comparison.best(problem)]
    columns = {
        "mean rank": comparison.ranks.map("{:.2f}".format),
        f"mean {comparison.measure.replace('_', ' ')}": comparison.mean.loc[common]
        .mean()
        .map("{:.4f}".format),
        "wins": {name: str(wins.count(name)) for name in comparison.ranks.index},
        "fit time (s)": mean_seconds(table, common).map("{:.1f}".format),
    }
    if "epochs" in table:
        columns["epochs"] = table[table["problem"].isin(common)].groupby("estimator")["epochs"].agg(_range)
    if "memory_bytes" in table:
        memory = table[table["problem"].isin(common)].groupby("estimator")["memory_bytes"].max()
        columns["MB"] = (memory / 1e6).map("{:.0f}".format)
    return columns


def _against_the_best(comparison: Comparison) -> dict[str, Mapping[str, str]]:
    """Columns that compare the best estimator by rank with each other one."""
    best, *others = comparison.ranks.index
    counts = {name: comparison.wins(best, name, comparison.common) for name in others}
    records = {name: ", ".join(map(str, three)) for name, three in counts.items()}
    p_values = {name: f"{comparison.p_values.loc[best, name]:.2g}" for name in others}
    return (
        {f"wins, ties, losses of {best}": {best: "", **records}, "p": {best: "", **p_values}}
        if others
        else {}
    )


def _per_problem(comparison: Comparison, published: bool) -> Iterator[Block]:
    yield Heading(f"{comparison.measure.replace('_', ' ').capitalize()} by data set")
    yield Paragraph("Mean ± standard deviation over resamples (number of resamples); the best mean in bold.")
    ordered = comparison.ranks.index.tolist()
    known, protocols = _published(comparison.mean.index) if published else (pd.DataFrame(), {})
    rows, bold = [], set()
    for i, problem in enumerate(comparison.mean.index):
        cells = [_cell(comparison, problem, name) for name in ordered]
        best = comparison.best(problem)
        bold |= {(i, 1 + j) for j, name in enumerate(ordered) if name in best}
        values = known.reindex([problem]).to_numpy(dtype=float)[0]
        rows.append([str(problem), *cells, *("" if np.isnan(value) else f"{value:.3f}" for value in values)])
    yield Table(["data set", *ordered, *known.columns], rows, frozenset(bold))
    if protocols:
        yield Paragraph(
            "Published accuracies were measured by their authors on the default split, not by this package."
        )
        yield Table(["protocol and source", "columns"], [[by, ", ".join(of)] for by, of in protocols.items()])


def _published(problems) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Published accuracies, a column for each method; and the methods of each protocol."""
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
        yield Paragraph("Figures need a data set on which all estimators have results.")
        return
    yield Heading("Figures")
    if len(comparison.ranks) > 1:
        n = len(comparison.common)
        caption = (
            f"Mean ranks over {n} data sets. Bars join estimators without a significant difference "
            "(Wilcoxon's signed-rank test, Holm's adjustment, level 0.05)."
        )
        yield Figure("critical_difference", caption, figures.critical_difference(comparison))
        side = "below" if comparison.measure == "log_loss" else "above"
        caption = f"The best estimator by mean rank against the others; it is better {side} the line."
        yield Figure("scatter", caption, figures.scatter(comparison))
    caption = f"Mean {comparison.measure.replace('_', ' ')} against mean fit time."
    yield Figure("cost", caption, figures.cost(comparison, table))


def _failures(failures: list[Failure]) -> Iterator[Block]:
    yield Heading("Failures")
    if not failures:
        yield Paragraph("None.")
        return
    header = ["estimator", "data set", "resample", "kind", "message"]
    rows = [[f.key.estimator, f.key.problem, str(f.key.resample), f.kind, f.message[:200]] for f in failures]
    yield Table(header, rows)
    distinct = {failure.message: failure for failure in failures}
    for failure in list(distinct.values())[:_MOST_FAILURES]:
        if failure.traceback:
            yield Code(failure.traceback[-2000:].strip())


def _setup(table: pd.DataFrame) -> Iterator[Block]:
    known = [column for column in ("split", "date", "machine", "versions") if column in table]
    if known:
        yield Heading("Setup")
    for column in known:
        values = sorted(map(str, table[column].dropna().unique()))
        if column == "date":
            days = sorted({value[:10] for value in values})
            values = [" to ".join(dict.fromkeys([days[0], days[-1]]))] if days else []
        if values:
            yield Paragraph(f"{column.capitalize()}: {'; '.join(values)}.")


def _range(numbers: pd.Series) -> str:
    """Least and greatest of whole numbers, once if they are the same; empty if there is none."""
    known = pd.to_numeric(numbers, errors="coerce").dropna()
    return (
        " to ".join(dict.fromkeys(f"{number:.0f}" for number in (known.min(), known.max())))
        if len(known)
        else ""
    )


def _count(number, noun):
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
