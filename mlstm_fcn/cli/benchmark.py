"""`mlstm-fcn benchmark` and `mlstm-fcn report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlstm_fcn.cli.quiet import start_keras_quietly

if TYPE_CHECKING:
    from mlstm_fcn.benchmark import Plan

_PATH = click.Path(path_type=Path)


@click.command()
@click.option("--datasets", "problems", required=True, help="Names by commas.")
@click.option(
    "--estimators",
    default="mlstm_fcn",
    show_default=True,
    help="By commas: networks, minirocket, rocket, dtw, or [NAME=]import.path.Class(parameter=value).",
)
@click.option(
    "--resamples", type=int, default=1, show_default=True, help="Resamples; 0 is the archive's split."
)
@click.option("--seeds-only", is_flag=True, help="Keep the archive's split; resamples are only seeds.")
@click.option("--epochs", type=int, help="Of the estimators that have `n_epochs`.")
@click.option("--output", type=_PATH, default=Path("results"), show_default=True)
@click.option("--folder", type=_PATH, help="Where data sets are looked for first.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Fits at a time.")
@click.option("--threads", type=int, help="Of each fit.  [default: CPUs / jobs; on a cluster 1]")
@click.option("--time-limit", type=float, help="Seconds for a fit.")
@click.option("--memory-limit", type=float, help="Megabytes for a fit.")
@click.option("--engine", type=click.Choice(["loky", "dask", "ray"]), default="loky", show_default=True)
@click.option("--address", help="Of the scheduler of a Dask or Ray cluster.")
@click.option("--shard", default="1/1", show_default=True, help="I/N: do the Ith of N parts of the work.")
@click.option("--retry", is_flag=True, help="Do again what failed by an error or a limit.")
@click.option("--dry-run", is_flag=True, help="Only say what there is to do, and how long it may take.")
def benchmark(
    problems: str,
    estimators: str,
    resamples: int,
    seeds_only: bool,
    epochs: int | None,
    output: Path,
    folder: Path | None,
    jobs: int,
    threads: int | None,
    time_limit: float | None,
    memory_limit: float | None,
    engine: str,
    address: str | None,
    shard: str,
    retry: bool,
    dry_run: bool,
) -> None:
    """Fit estimators to data sets, and keep every result in OUTPUT.

    Run it again, and only what is missing is done. `mlstm-fcn report OUTPUT` makes tables and figures.
    """
    import os

    start_keras_quietly()
    from mlstm_fcn import benchmark as benchmarks
    from mlstm_fcn._checks import require, require_positive_int
    from mlstm_fcn.cli.live import Live

    require_positive_int("jobs", jobs)
    if threads is not None:
        require_positive_int("threads", threads)
    rule = "`--address` is of a cluster: it needs --engine dask or ray."
    require(address is None or engine != "loky", rule, address=address)
    if threads is None:
        threads = 1 if address else max(1, (os.cpu_count() or 1) // jobs)
    limits = benchmarks.Limits(time_limit, memory_limit, threads)
    chosen = benchmarks.resolve(estimators, **({} if epochs is None else {"n_epochs": epochs}))
    place = benchmarks.Folder(output)
    plan = benchmarks.make_plan(
        [name.strip() for name in problems.split(",")],
        chosen,
        resamples,
        place,
        resampled=not seeds_only,
        retry=retry,
        data_folder=None if folder is None else str(folder),
        shard=_shard(shard),
    )
    place.require_same(chosen, not seeds_only, keep_note=not dry_run)
    click.echo(
        f"{plan.n_fits} fits: {len(plan.problems)} data sets, {len(chosen)} estimators, "
        f"{resamples} resamples. "
        f"{plan.n_done} are done, {plan.n_failed} have failed, {len(plan.jobs)} are to do."
    )
    if dry_run:
        _print_estimate(plan, jobs)
        return
    with Live(plan) as live:
        options: dict[str, Any] = {"engine": engine, "n_jobs": jobs, "address": address}
        table = benchmarks.execute(plan, limits, report=live.add, **options)
    click.echo(f"{len(table)} results are in {output / 'results.csv'}")
    if plan.jobs and table.empty:
        raise click.ClickException(f"No fit gave a result; {output} has the failures.")


def _shard(text: str) -> tuple[int, int]:
    from mlstm_fcn._checks import require

    number, _, count = text.partition("/")
    rule = "`--shard` must be I/N, with I from 1 to N."
    good = number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)
    require(good, rule, shard=text)
    return int(number), int(count)


def _print_estimate(plan: Plan, jobs: int) -> None:
    from mlstm_fcn import benchmark as benchmarks

    for row in benchmarks.estimated_seconds(plan).itertuples():
        unknown = f", and {row.fits_of_unknown_time} of unknown time" if row.fits_of_unknown_time else ""
        minutes = row.seconds / jobs / 60
        click.echo(f"{row.estimator}: {row.fits} fits, about {minutes:.1f} minutes{unknown}")


@click.command()
@click.argument("results", type=_PATH)
@click.option("--measure", default="accuracy", show_default=True, help="What is compared.")
@click.option("--published", is_flag=True, help="Set published figures beside the results.")
@click.option("--estimators", help="Those to report, by commas.  [default: all]")
def report(results: Path, measure: str, published: bool, estimators: str | None) -> None:
    """Make report.html and report.md of RESULTS, a folder or a file like its results.csv."""
    from mlstm_fcn import benchmark as benchmarks

    chosen = [name.strip() for name in estimators.split(",")] if estimators else None
    pages = benchmarks.write_report(results, measure=measure, published=published, estimators=chosen)
    click.echo("\n".join(map(str, pages)))
