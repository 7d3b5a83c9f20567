"""`mlstm-fcn ablation`."""

from __future__ import annotations

import math
from pathlib import Path

import click

_DATASETS = "Libras,NATOPS,Handwriting,ArticularyWordRecognition"


@click.command()
@click.option("--datasets", "names", default=_DATASETS, show_default=True, help="Names, separated by commas.")
@click.option(
    "--axes",
    default="networks",
    show_default=True,
    help="Names, separated by commas; `networks` or `recipes` for all of a kind.",
)
@click.option("--seeds", type=int, default=3, show_default=True, help="Number of seeds.")
@click.option("--epochs", type=int, default=60, show_default=True, help="Number of epochs of each training.")
@click.option("--most-cases", type=int, help="Maximum number of training cases; all others are held back.")
@click.option("--folder", type=click.Path(path_type=Path), help="Folder searched first for data sets.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("ablation"), show_default=True)
@click.option("--no-training", is_flag=True, help="Only write the table of the existing runs.")
def ablation(
    names: str,
    axes: str,
    seeds: int,
    epochs: int,
    most_cases: int | None,
    folder: Path | None,
    output: Path,
    no_training: bool,
) -> None:
    """Compare variants of the networks or of the recipe.

    Every training holds back at least a third of the training set; no test set is used. OUTPUT gets runs.csv,
    to which every run is appended, so that an interrupted study can be resumed. From all runs with this
    number of EPOCHS it gets summary.csv, and summary.png if matplotlib is installed.
    """
    from importlib.util import find_spec

    from mlstm_fcn import ablation as ablations
    from mlstm_fcn._checks import require, require_choice

    kinds = {"networks": ablations.NETWORKS, "recipes": ablations.RECIPES}
    chosen = list(kinds[axes]) if axes in kinds else axes.split(",")
    path = output / "runs.csv"
    for axis in chosen:
        require_choice("axis", axis, ablations.AXES)
    if not no_training:
        ablations.study(
            path,
            axes=chosen,
            dataset_names=names.split(","),
            n_seeds=seeds,
            n_epochs=epochs,
            most_cases=most_cases,
            folder=folder,
            report=lambda run: click.echo(f"{run.dataset} {run.variant} {run.seed} {run.accuracy:.3f}"),
        )
    runs = [run for run in ablations.read_runs(path) if run.n_epochs == epochs]
    require(len(runs) > 0, f"{path} must contain runs with this number of epochs.", epochs=epochs)
    rows = ablations.summary(runs, list(ablations.AXES))
    ablations.write_summary(output / "summary.csv", rows)
    for row in (row for row in rows if row.axis in chosen):
        click.echo(
            f"{row.axis:<22} {row.variant:<22} {row.accuracy:.3f} ± {_or_question_mark(row.spread, 3)}"
            f"  {100 * row.difference:+5.1f} ± {_or_question_mark(100 * row.error, 1)} points"
            f"  {row.parameters:>9,} parameters"
            f"  {row.flops / 1e6:6.1f} MFLOP  {row.ms_per_batch:6.1f} ms"
        )
    if find_spec("matplotlib"):
        ablations.plot(output / "summary.png", rows)


def _or_question_mark(value: float, digits: int) -> str:
    """A number, or a question mark for NaN."""
    return "?" if math.isnan(value) else f"{value:.{digits}f}"
