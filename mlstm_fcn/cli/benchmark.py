"""`mlstm-fcn benchmark` and `mlstm-fcn report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mlstm_fcn.benchmark import Failure, Plan

_MOST_LINES = 20  # of a summary of failures
_PATH = click.Path(path_type=Path)


@click.command()
@click.option("--datasets", "problems", required=True, help="Data set names, comma-separated.")
@click.option(
    "--estimators",
    default="mlstm_fcn",
    show_default=True,
    help="Comma-separated: networks, minirocket, rocket, dtw, or [NAME=]import.path.Class(parameter=value).",
)
@click.option(
    "--resamples", type=int, help="Number of resamples; resample 0 is the archive's split.  [default: 1]"
)
@click.option("--seeds", type=int, help="Number of seeds on the archive's split, instead of resamples.")
@click.option("--epochs", type=int, help="Epochs, for estimators with the parameter `n_epochs`.")
@click.option(
    "--output", type=_PATH, default=Path("results"), show_default=True, help="Folder of the results."
)
@click.option("--folder", type=_PATH, help="Folder to search first for data sets.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Number of parallel fits.")
@click.option("--threads", type=int, help="Threads per fit.  [default: CPUs / jobs; 1 on a cluster]")
@click.option("--time-limit", type=float, help="Time limit per fit, in seconds.")
@click.option("--memory-limit", type=float, help="Memory limit per fit, in megabytes.")
@click.option("--engine", type=click.Choice(["loky", "dask", "ray"]), default="loky", show_default=True)
@click.option("--address", help="Address of the scheduler of a Dask or Ray cluster.")
@click.option("--shard", default="1/1", show_default=True, help="I/N: run the Ith of N parts of the fits.")
@click.option("--retry", is_flag=True, help="Repeat fits that failed by an error or a limit.")
@click.option(
    "--dry-run", is_flag=True, help="Print the missing fits and their estimated time, and run nothing."
)
def benchmark(
    problems: str,
    estimators: str,
    resamples: int | None,
    seeds: int | None,
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
    """Fit estimators to data sets, and store the results in OUTPUT.

    The same command resumes an interrupted run. `mlstm-fcn report OUTPUT` makes tables and figures. The exit
    status is 1 if a fit failed, now or in an earlier run.
    """
    import os

    from mlstm_fcn import benchmark as benchmarks
    from mlstm_fcn._checks import require, require_positive_int
    from mlstm_fcn.cli.live import Live

    require_positive_int("jobs", jobs)
    for name, number in {"threads": threads, "seeds": seeds}.items():
        if number is not None:
            require_positive_int(name, number)
    rule = "`--address` requires `--engine dask` or `--engine ray`."
    require(address is None or engine != "loky", rule, address=address)
    if threads is None:
        threads = 1 if address else max(1, (os.cpu_count() or 1) // jobs)
    require(
        resamples is None or seeds is None,
        "Give `--resamples` or `--seeds`.",
        resamples=resamples,
        seeds=seeds,
    )
    n_fits = next((number for number in (seeds, resamples) if number is not None), 1)
    limits = benchmarks.Limits(time_limit, memory_limit, threads)
    chosen = benchmarks.resolve(estimators, **({} if epochs is None else {"n_epochs": epochs}))
    place = benchmarks.Folder(output)
    plan = benchmarks.make_plan(
        [name.strip() for name in problems.split(",")],
        chosen,
        n_fits,
        place,
        resampled=seeds is None,
        retry=retry,
        data_folder=None if folder is None else str(folder),
        shard=_shard(shard),
    )
    benchmarks.require_ready(plan, data=address is None)
    place.require_same(chosen, seeds is None, write_fingerprints=not dry_run)
    click.echo(
        f"{plan.n_fits} fits: {len(plan.problems)} data sets, {len(chosen)} estimators, "
        f"{n_fits} {'resamples' if seeds is None else 'seeds'}. "
        f"Done: {plan.n_done}, failed: {plan.n_failed}, to do: {len(plan.jobs)}."
    )
    if dry_run:
        _print_estimate(plan, jobs)
        return
    with Live(plan) as live:
        options: dict[str, Any] = {"engine": engine, "n_jobs": jobs, "address": address}
        table = benchmarks.execute(plan, limits, report=live.add, **options)
    click.echo(f"{len(table)} results are in {output / 'results.csv'}")
    failures = [one for one in place.read_failures() if one.key in plan.keys]
    if failures:
        raise click.ClickException(_summary(failures, plan))  # exit status 1


def _summary(failures: list[Failure], plan: Plan) -> str:
    """What failed, one line for each estimator, data set and message."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for one in failures:
        line = one.message.splitlines()[0][:200] if one.message else ""
        text = f"{one.kind}: {line}"
        groups.setdefault((one.key.estimator, one.key.problem, text), []).append(one.key.resample)
    lines = [
        f"  {estimator} on {problem}, {len(numbers)} of {plan.n_resamples}: {text}"
        for (estimator, problem, text), numbers in groups.items()
    ]
    more = [f"  ... and {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    head = f"{len(failures)} of {plan.n_fits} fits failed:"
    end = "`mlstm-fcn report` shows their tracebacks; `--retry` repeats them."
    return "\n".join([head, *lines[:_MOST_LINES], *more, end])


def _shard(text: str) -> tuple[int, int]:
    from mlstm_fcn._checks import require

    number, _, count = text.partition("/")
    rule = "`--shard` must be I/N with 1 <= I <= N."
    good = number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)
    require(good, rule, shard=text)
    return int(number), int(count)


def _print_estimate(plan: Plan, jobs: int) -> None:
    from mlstm_fcn import benchmark as benchmarks

    for row in benchmarks.estimated_seconds(plan).itertuples():
        unknown = f", plus {row.fits_of_unknown_time} of unknown time" if row.fits_of_unknown_time else ""
        minutes = row.seconds / jobs / 60
        click.echo(f"{row.estimator}: {row.fits} fits, about {minutes:.1f} minutes{unknown}")


@click.command()
@click.argument("results", type=_PATH)
@click.option("--measure", default="accuracy", show_default=True, help="Measure to compare.")
@click.option("--published", is_flag=True, help="Add columns of published accuracies.")
@click.option("--estimators", help="Estimators to report, comma-separated.  [default: all]")
def report(results: Path, measure: str, published: bool, estimators: str | None) -> None:
    """Write report.html and report.md for RESULTS, a folder of results or a table like its results.csv."""
    from mlstm_fcn import benchmark as benchmarks

    chosen = [name.strip() for name in estimators.split(",")] if estimators else None
    pages = benchmarks.write_report(results, measure=measure, published=published, estimators=chosen)
    click.echo("\n".join(map(str, pages)))
