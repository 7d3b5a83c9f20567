"""`mlstm-fcn explain`."""

from __future__ import annotations

from pathlib import Path

import click

from mlstm_fcn.cli.drawing import draw_without_windows
from mlstm_fcn.cli.saved import folder_option, load_estimator, series_and_labels, split_option


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@click.option("--case", type=int, required=True, help="Number of the case, from 0.")
@click.option(
    "--output", type=click.Path(path_type=Path), required=True, help="Page to write, such as case.html."
)
@split_option
@folder_option
def explain(model: Path, data: str, case: int, output: Path, split: str, folder: Path | None) -> None:
    """Explain the answer of a saved MODEL to one case of DATA, the name of a data set or a file.

    The page has the probabilities, the series coloured by what supports the answer, and the effect of hiding
    each channel. It needs no network access.
    """
    from mlstm_fcn._checks import require

    draw_without_windows()
    X, y = series_and_labels(data, split, folder)
    rule = f"`--case` must be a number from 0 to {len(X) - 1}."
    require(0 <= case < len(X), rule, case=case)
    estimator = load_estimator(model)
    from mlstm_fcn.report import write_case

    truth = y[case] if len(y) else None
    name = f"Case {case} of {data} by {model.name}"
    click.echo(write_case(estimator, X[case], output, truth=truth, name=name))
