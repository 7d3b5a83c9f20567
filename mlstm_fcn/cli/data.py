"""`mlstm-fcn data`: list, describe, download and convert data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

_FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path), help="Folder to search first.  [default: MLSTM_FCN_DATA]"
)
_OFFLINE = click.option("--offline", is_flag=True, help="Never download.")


@click.group()
def data() -> None:
    """Data sets of the UEA and UCR archives."""


@data.command("list")
@click.option("--archive", help="UEA, UCR, Multiverse, TSER or other.")
@click.option(
    "--equal-length/--unequal-length", default=None, help="Only series of equal, or of different, lengths."
)
@click.option("--max-cases", type=int, help="Maximum number of training and test cases together.")
@click.option("--here", is_flag=True, help="Only data sets that need no download.")
@_FOLDER
def list_(
    archive: str | None, equal_length: bool | None, max_cases: int | None, here: bool, folder: Path | None
) -> None:
    """List the data sets of the catalogue. A star marks those that need no download."""
    from rich.console import Console
    from rich.table import Table

    from mlstm_fcn import datasets

    found = set(datasets.here(folder))
    table = Table("", box=None)
    for column in ("name", "archive"):
        table.add_column(column, no_wrap=True, overflow="ignore")
    for column in ("train", "test", "channels", "steps", "classes"):
        table.add_column(column, justify="right")
    shown = datasets.names(archive=archive, equal_length=equal_length, max_cases=max_cases)
    shown = [name for name in shown if name in found or not here]
    for name in shown:
        row = datasets.describe(name)
        steps = "-".join(dict.fromkeys(map(_text, (row.min_length, row.max_length))))
        figures = map(_text, (row.train_cases, row.test_cases, row.channels))
        table.add_row("*" if name in found else "", name, row.archive, *figures, steps, _text(row.classes))
    Console().print(table)
    click.echo(f"{len(shown)} data sets, {sum(name in found for name in shown)} of them here")


@data.command()
@click.argument("name")
def describe(name: str) -> None:
    """Describe the data set NAME: sizes, published accuracies, citation, licence."""
    from mlstm_fcn import datasets

    click.echo(str(datasets.describe(name)))


@data.command()
@click.argument("names", nargs=-1)
@click.option("--archive", help="A whole archive: UEA, UCR, Multiverse, TSER or other.")
@_FOLDER
@_OFFLINE
def fetch(names: tuple[str, ...], archive: str | None, folder: Path | None, offline: bool) -> None:
    """Download the data sets NAMES, or a whole archive, and print their paths. Present ones are skipped."""
    from mlstm_fcn import datasets
    from mlstm_fcn._checks import require
    from mlstm_fcn.datasets import places

    require(
        bool(names) != bool(archive),
        "Give either names or `--archive`.",
        names=names,
        archive=archive,
    )
    failures = []
    for name in names or datasets.names(archive=archive):
        try:
            click.echo(f"{name}  {places.find(name, folder, offline)['train']}")
        except (ValueError, OSError) as error:
            failures.append(str(error))
    if failures:
        raise click.ClickException("\n".join(failures))


@data.command()
@click.argument("source")
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--to", help="npy, npz, ts, arff, tsv, txt or csv.  [default: npy for a data set]")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    help="Type in npy files.  [default: float32]",
)
@_FOLDER
@_OFFLINE
def convert(
    source: str, output: Path, to: str | None, dtype: Any, folder: Path | None, offline: bool
) -> None:
    """Convert a data set or a file.

    Either SOURCE is a data set's name and OUTPUT a folder, which gets a subfolder of that name. Or both are
    files, and their suffixes select the formats. Files written with --to npy can be memory-mapped, for data
    sets larger than memory.
    """
    from mlstm_fcn import datasets
    from mlstm_fcn._checks import require
    from mlstm_fcn.datasets.formats import SUFFIXES

    if Path(source).suffix in SUFFIXES:
        rule = "To convert a file, give no options; the suffix of OUTPUT selects the format."
        require(not (to or dtype or folder), rule, to=to, dtype=dtype, folder=folder)
        datasets.write(output, *datasets.read(source))
        made = output
    else:
        made = datasets.convert(
            source, output, to or "npy", dtype=dtype or "float32", folder=folder, offline=offline
        )
    click.echo(f"written {made}")


def _text(value: object) -> str:
    return "?" if value is None else str(value)
