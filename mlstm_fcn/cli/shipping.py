"""`mlstm-fcn export` and `mlstm-fcn card`."""

from __future__ import annotations

from pathlib import Path

import click

from mlstm_fcn.cli.saved import (
    as_classes,
    folder_option,
    labelled_series,
    load_estimator,
    series_and_labels,
    split_option,
)

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("model", type=_PATH)
@click.argument("artifact", type=_PATH)
@click.option(
    "--format", help="savedmodel, onnx, litert, openvino, ...  [default: by the suffix of ARTIFACT]"
)
@click.option(
    "--data", help="Series for the comparison: a data set's name or a file.  [default: random series]"
)
@split_option
@folder_option
@click.option("--trained-on", default="", help="Name of the training data, for the manifest.")
@click.option(
    "--any-length", is_flag=True, help="Export with a mask, for series shorter than the training series."
)
@click.option("--length", type=int, help="Number of time steps to fix, for a network with a variable length.")
def export(
    model: Path,
    artifact: Path,
    format: str | None,
    data: str | None,
    split: str,
    folder: Path | None,
    trained_on: str,
    any_length: bool,
    length: int | None,
) -> None:
    """Export a saved MODEL as ARTIFACT for another runtime, and compare its outputs with Keras."""
    from mlstm_fcn.export import manifest
    from mlstm_fcn.persistence import SUFFIXES

    X, y = (None, ()) if data is None else series_and_labels(data, split, folder)
    estimator = load_estimator(model)
    metrics = {}
    if len(y) and artifact.suffix not in SUFFIXES:
        figure = "accuracy" if hasattr(estimator, "classes_") else "R2"
        metrics[f"{figure} on {data}"] = estimator.score(X, as_classes(estimator, y))
    options = {"any_length": any_length, "length": length, "data": trained_on, "metrics": metrics}
    path = estimator.export(artifact, format, X=X, **options)
    if path.suffix in SUFFIXES:
        click.echo(f"{path}: a copy of the Keras model")
        return
    about = manifest.read(path)
    click.echo(f"{path}: {about['kind']}, largest difference {about['check']['largest_difference']:.1e}")


@click.command()
@click.argument("model", type=_PATH)
@click.argument("data", required=False)
@split_option
@folder_option
@click.option("--trained-on", default="", help="Name of the training data, for the card.")
def card(model: Path, data: str | None, split: str, folder: Path | None, trained_on: str) -> None:
    """Print the model card of a saved MODEL as Markdown, with its metrics on DATA if given."""
    X, y = (None, None) if data is None else labelled_series(data, split, folder)
    estimator = load_estimator(model)
    y = None if y is None else as_classes(estimator, y)
    click.echo(estimator.model_card(X, y, data=trained_on), nl=False)
