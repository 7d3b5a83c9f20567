"""The table of an ablation: every variant compared with the base of its axis."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn._files import written_whole
from mlstm_fcn._optional import optional
from mlstm_fcn.ablation.axes import AXES, Variant
from mlstm_fcn.ablation.study import Run


@dataclass(frozen=True)
class Row:
    """A variant of an axis, over the data sets and seeds that have runs of both the variant and the base.

    Attributes:
        axis: The axis.
        variant: Label of the variant.
        n_datasets: Number of data sets.
        n_runs: Number of runs, over data sets and seeds.
        accuracy: Mean over data sets of the mean over seeds.
        spread: Standard deviation over seeds, mean over data sets; NaN if a data set has only one seed.
        difference: Accuracy minus that of the base, on the same data sets and seeds.
        error: Standard error of the difference over seeds, pooled over data sets. It does not include the
            variation between data sets, which is larger. NaN if there is only one seed.
        wins: Number of data sets on which the mean is higher than the base's.
        losses: Number of data sets on which it is lower.
        parameters: Number of weights, mean over runs.
        flops: Operations of a prediction for one series, mean over runs.
        ms_per_batch: Milliseconds per 16 training cases: the minimum over seeds, since other load on the
            machine only adds time; mean over data sets.
    """

    axis: str
    variant: str
    n_datasets: int
    n_runs: int
    accuracy: float
    spread: float
    difference: float
    error: float
    wins: int
    losses: int
    parameters: int
    flops: int
    ms_per_batch: float


def summary(runs: Sequence[Run], axes: Sequence[str] = tuple(AXES)) -> list[Row]:
    """The rows of all axes that have runs of the base and of another variant.

    Raises:
        ValueError: If an axis is unknown, or the runs have different numbers of epochs.
    """
    epochs = sorted({run.n_epochs for run in runs})
    require(len(epochs) <= 1, "All runs of a table must have the same number of epochs.", n_epochs=epochs)
    rows = []
    for axis in axes:
        require_choice("axis", axis, AXES)
        of_variants = [_by_case(runs, variant) for variant in AXES[axis]]
        base = of_variants[0]
        of_axis = [
            _row(axis, variant, common, own, base)
            for variant, own in zip(AXES[axis], of_variants, strict=True)
            if (common := sorted(base.keys() & own.keys()))
        ]
        rows += of_axis if len(of_axis) > 1 else []
    return rows


def write_summary(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows as CSV."""
    with written_whole(path) as partial, partial.open("w", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        table.writeheader()
        table.writerows(map(asdict, rows))


def plot(path: Path, rows: Sequence[Row]) -> None:
    """Plot the differences of all variants from their bases, with standard errors; requires matplotlib.

    Raises:
        ImportError: If matplotlib is not installed (`pip install 'mlstm-fcn[plot]'`).
    """
    figures = optional("matplotlib.figure", "plot")
    shown = [row for row in rows if row.variant != AXES[row.axis][0].label]
    figure = figures.Figure(figsize=(8, 1 + 0.28 * len(shown)), layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(len(shown))[::-1]
    errors = np.nan_to_num([100 * row.error for row in shown])
    axes.errorbar([100 * row.difference for row in shown], places, xerr=errors, fmt="o", capsize=2)
    axes.axvline(0, color="grey", linewidth=0.8)
    axes.set_yticks(places, [f"{row.axis}: {row.variant}" for row in shown])
    axes.set_xlabel("accuracy minus that of the base, in points")
    with written_whole(path, path.suffix) as partial:
        figure.savefig(partial, dpi=120)


def _by_case(runs: Sequence[Run], variant: Variant) -> dict[tuple[str, int, int], Run]:
    return {(run.dataset, run.seed, run.n_training): run for run in runs if run.variant == variant.key}


def _row(axis, variant, common, own, base):
    names = sorted({(name, n_training) for name, _, n_training in common})
    of_name = [[case for case in common if (case[0], case[2]) == name] for name in names]
    accuracies = [np.array([own[case].accuracy for case in cases]) for cases in of_name]
    differences = [np.array([own[c].accuracy - base[c].accuracy for c in cases]) for cases in of_name]
    means = [difference.mean() for difference in differences]
    pairs = np.concatenate([difference - difference.mean() for difference in differences])
    freedom = len(pairs) - len(names)
    variance = np.square(pairs).sum() / freedom if freedom else np.nan
    shares = sum(1 / len(cases) for cases in of_name) / len(names) ** 2
    return Row(
        axis,
        variant.label,
        n_datasets=len({name for name, _ in names}),
        n_runs=len(common),
        accuracy=round(float(np.mean([accuracy.mean() for accuracy in accuracies])), 4),
        spread=round(float(np.mean([_spread(accuracy) for accuracy in accuracies])), 4),
        difference=round(float(np.mean(means)), 4),
        error=round(float(np.sqrt(variance * shares)), 4),
        wins=sum(round(mean, 6) > 0 for mean in means),
        losses=sum(round(mean, 6) < 0 for mean in means),
        parameters=round(np.mean([own[case].parameters for case in common])),
        flops=round(np.mean([own[case].flops for case in common])),
        ms_per_batch=round(
            float(np.mean([min(own[case].ms_per_batch for case in cases) for cases in of_name])), 2
        ),
    )


def _spread(accuracy):
    """Standard deviation over seeds; NaN for one seed."""
    return accuracy.std(ddof=1) if len(accuracy) > 1 else np.nan
