"""Update the tables of docs/accuracy.md and README.md from the results in benchmarks/accuracy/.

    python benchmarks/accuracy_tables.py           # list the pages whose tables differ from the results
    python benchmarks/accuracy_tables.py --write   # update them

A table is identified by its first row and replaced as a whole. The text around it is not changed.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mlstm_fcn import benchmark, datasets

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "accuracy"
OURS = {
    "default": "default",
    "ensemble": "ensemble",
    "default-vote-of-5": "vote of 5 seeds",
    "paper": "paper recipe",
    "MiniRocket": "MiniRocket",
}
KERNELS = ("hybrid", "multirocket", "MiniRocket", "MultiRocket-Hydra", "QUANT")
EVERYWHERE = ("default", "ensemble", "MiniRocket", "paper")  # the vote has results on some data sets only
PUBLISHED = {
    "UEA": ["HIVE-COTE 2.0", "ROCKET", "InceptionTime", "ResNet", "MLSTM-FCN (TapNet)"],
    "UCR": ["InceptionTime", "ROCKET"],
}
PAPER_DATA = {  # training cases, test cases, accuracy in Karim et al. 2019, table 2
    "lp1": (38, 50, 0.86),
    "lp2": (17, 30, 0.83),
    "lp3": (17, 30, 0.80),
    "lp4": (42, 75, 0.92),
    "lp5": (64, 100, 0.66),
    "JapaneseVowels": (270, 370, 1.00),
    "Libras": (360, 585, 0.97),
    "AREM": (43, 39, 0.92),
}
Rows = list[list[str]]


def pages() -> dict[Path, list[Rows]]:
    """Each page with its tables."""
    table = pd.read_csv(RESULTS / "seeds.csv")
    archives = table["problem"].map(lambda name: datasets.describe(name).archive)
    uea, ucr = table[archives == "UEA"], table[archives == "UCR"]
    accuracy = [
        all_sets(table),
        means({"UEA": uea, "UCR": ucr}),
        kernels(pd.read_csv(RESULTS / "kernels.csv"), table),
        paper_data(pd.read_csv(RESULTS / "paper_data.csv")),
    ]
    return {ROOT / "docs" / "accuracy.md": accuracy, ROOT / "README.md": [readme(uea, ucr)]}


def all_sets(table: pd.DataFrame) -> Rows:
    """The default compared with each of the others, over all data sets."""
    comparison = _compared(table, EVERYWHERE)
    seconds = table.groupby(["estimator", "problem"])["fit_seconds"].mean().groupby("estimator").mean()
    rows = [["", "mean accuracy", "mean rank", "the default wins, ties, loses", "p", "seconds of a fit"]]
    for name in EVERYWHERE:
        accuracy = f"{comparison.mean[name].mean():.4f}"
        rows.append([OURS[name], accuracy, *_against(comparison, name), f"{seconds[name]:.0f}"])
    return rows


def means(archives: Mapping[str, pd.DataFrame]) -> Rows:
    """Mean accuracies of an archive's data sets, and of those for which all methods have a figure."""
    methods = list(dict.fromkeys(name for names in PUBLISHED.values() for name in names))
    rows = [["mean of", *OURS.values(), *methods]]
    for archive, table in archives.items():
        ours = _compared(table, OURS).mean
        every = pd.concat([ours, _published(ours.index, methods)], axis=1)[[*OURS, *methods]]
        whole = every.dropna(subset=[*OURS, *PUBLISHED[archive]])
        for label, some in (f"all {len(every)} of {archive}", every), (f"{len(whole)} of {archive}", whole):
            rows.append([label, *(_figure(some[name].mean(skipna=False), 4) for name in every)])
    return rows


def kernels(fixed: pd.DataFrame, seeds: pd.DataFrame) -> Rows:
    """The default, the hybrid, fixed kernels and intervals, on the data sets that all have."""
    table = pd.concat([fixed, seeds[seeds["estimator"].isin(["default", "MiniRocket"])]])
    names = ("default", *KERNELS)
    comparison = _compared(table, names)
    shared = comparison.mean[list(names)].dropna()
    ranked = shared.round(9).rank(axis=1, ascending=False).mean()
    counts = table.groupby(["estimator", "problem"]).size().groupby("estimator").agg(["min", "max"])
    return [
        ["", *names],
        ["seeds", *(" to ".join(map(str, dict.fromkeys(counts.loc[name]))) for name in names)],
        [f"mean accuracy on {len(shared)}", *(f"{shared[name].mean():.4f}" for name in names)],
        ["mean rank", *(f"{ranked[name]:.2f}" for name in names)],
    ]


def paper_data(table: pd.DataFrame) -> Rows:
    """Accuracies on the paper's own data, with the paper's figures."""
    comparison = _compared(table, ["paper", "default"])
    rows = [["", "cases: train, test", "paper recipe", "default", "the paper's figure"]]
    for problem, (n_train, n_test, figure) in PAPER_DATA.items():
        ours = [_cell(comparison, problem, name) for name in ("paper", "default")]
        rows.append([problem, f"{n_train}, {n_test}", *ours, f"{figure:.2f}"])
    return rows


def readme(uea: pd.DataFrame, ucr: pd.DataFrame) -> Rows:
    """The first table of the README."""
    rows = [
        [
            "",
            "this package",
            "MiniRocket, same script",
            "the paper's recipe, same script",
            "published MLSTM-FCN",
        ]
    ]
    for table, label in (uea, "UEA, multivariate"), (ucr, "UCR, univariate"):
        means = _compared(table, ["default", "MiniRocket", "paper"]).mean
        published = _published(means.index, ["MLSTM-FCN (TapNet)"])
        figures = [means[name].mean() for name in ("default", "MiniRocket", "paper")]
        best, *others = [_figure(value, 3) for value in (*figures, *published.mean(skipna=False))]
        rows.append([f"{len(means)} data sets of {label}", f"**{best}**", *others])
    return rows


def _compared(table, names):
    return benchmark.compare(table[table["estimator"].isin(names)])


def _published(problems, methods):
    known = {
        problem: {one.method: one.accuracy for one in datasets.describe(problem).published}
        for problem in problems
    }
    return pd.DataFrame.from_dict(known, orient="index").reindex(index=problems, columns=methods)


def _against(comparison, name):
    """Mean rank; wins, ties and losses of the default; p."""
    rank = f"{comparison.ranks[name]:.2f}"
    if name == "default":
        return [rank, "", ""]
    wins = ", ".join(map(str, comparison.wins("default", name)))
    return [rank, wins, _rounded(comparison.p_values.loc["default", name])]


def _cell(comparison, problem, name):
    mean, std, count = (getattr(comparison, part)[name][problem] for part in ("mean", "std", "count"))
    if pd.isna(mean) or "vote" in name:
        return _figure(mean, 3)
    return f"{mean:.3f}{'' if pd.isna(std) else f' ± {std:.3f}'} ({count:.0f})"


def _figure(value, digits):
    return "" if pd.isna(value) else f"{value:.{digits}f}"


def _rounded(p):
    """Two decimals, or four for small values."""
    return f"{p:.2f}" if p >= 0.01 else f"{p:.4f}"


def replaced(text: str, rows: Rows) -> str:
    """Replace the rows of the table with the same first row. Its alignment row is kept."""
    lines = [f"| {' | '.join(row)} |".replace("  ", " ") for row in rows]
    kept = text.split("\n")
    if kept.count(lines[0]) != 1:
        raise ValueError(f"A page must have one table with this first row. Received: {lines[0]}")
    start = kept.index(lines[0]) + 2
    end = next(i for i in range(start, len(kept)) if not kept[i].startswith("|"))
    return "\n".join([*kept[:start], *lines[1:], *kept[end:]])


def main(write: bool = False) -> list[str]:
    """Compare the pages with the results. Return the names of pages that differ (or did, before `write`)."""
    differing = []
    for page, tables in pages().items():
        text = before = page.read_text(encoding="utf-8")
        for rows in tables:
            text = replaced(text, rows)
        if text != before:
            differing.append(page.name)
            if write:
                page.write_text(text, encoding="utf-8")
    return differing


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="update the pages")
    options = parser.parse_args()
    found = main(options.write)
    print("\n".join(found) or "All pages agree with the results.")
    sys.exit(bool(found) and not options.write)
