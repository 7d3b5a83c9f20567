"""`mlstm-fcn train`, `evaluate`, `predict`."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from mlstm_fcn.cli.drawing import draw_without_windows
from mlstm_fcn.cli.held_back import fit_and_trust
from mlstm_fcn.cli.saved import (
    as_classes,
    folder_option,
    labelled_series,
    load_classifier,
    series_and_labels,
    split_option,
)

if TYPE_CHECKING:
    import numpy as np


@click.command()
@click.argument("dataset")
@click.option("--recipe", default="default", show_default=True, help="default, ensemble, hybrid or paper.")
@click.option("--members", type=int, help="Number of networks in the ensemble.  [default: the recipe's]")
@click.option("--network", help="Another network, by a name from `mlstm-fcn models list`.")
@click.option("--epochs", type=int, help="Number of epochs.  [default: the recipe's]")
@click.option("--batch-size", type=int, help="Maximum batch size.  [default: the recipe's]")
@click.option("--lstm-units", type=int, default=8, show_default=True, help="Units in the LSTM branch.")
@click.option("--attention", is_flag=True, help="Use the attention LSTM (MALSTM-FCN).")
@click.option(
    "--precision",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
    help="Arithmetic of training; auto: bfloat16 where it is faster, else float32.",
)
@click.option("--device", default="auto", show_default=True, help="Train on: auto, cpu, gpu, gpu:1, ...")
@click.option("--distribution", type=click.Choice(["data"]), help="Divide batches among all devices.")
@click.option("--jobs", type=int, default=1, show_default=True, help="Processes that train ensemble members.")
@click.option(
    "--on-longer",
    type=click.Choice(["cut", "error"]),
    default="cut",
    show_default=True,
    help="Cut test series to the length of the longest training series, or raise an error.",
)
@click.option(
    "--held-back",
    type=float,
    help="Share of the training cases that calibrates probabilities and tells what usual series are.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed.")
@folder_option
@click.option("--output", type=click.Path(path_type=Path), help="File to save the model to, NAME.keras.")
@click.option("--quiet", is_flag=True, help="Hide the progress bar and the learning curve.")
def train(
    dataset: str,
    recipe: str,
    members: int | None,
    network: str | None,
    epochs: int | None,
    batch_size: int | None,
    lstm_units: int,
    attention: bool,
    precision: Literal["auto", "float32", "bfloat16", "float16"],
    device: str,
    distribution: Literal["data"] | None,
    jobs: int,
    on_longer: Literal["cut", "error"],
    held_back: float | None,
    seed: int,
    folder: Path | None,
    output: Path | None,
    quiet: bool,
) -> None:
    """Train on the training cases of DATASET, and test on its test cases.

    DATASET is a name from `mlstm-fcn data list`, or your own data set in FOLDER. For example, the data set
    Gait is the files Gait_TRAIN.ts and Gait_TEST.ts (or .arff, .tsv, .npz), or a folder Gait with
    X_train.npy, y_train.npy, ...
    """
    import numpy as np

    from mlstm_fcn import datasets
    from mlstm_fcn._checks import require
    from mlstm_fcn.persistence import checked_path

    rule = "`--lstm-units` and `--attention` require MLSTM-FCN; give them without `--network`."
    require(network is None or (lstm_units == 8 and not attention), rule, network=network)
    if output is not None:
        checked_path(output)
    problem = datasets.load(dataset, folder=folder)
    require(len(problem.y_train) > 0, "Training cases must have labels.", dataset=dataset)
    require(
        problem.y_train.dtype.kind == "U",
        "The data set must have class labels. For regression, use MLSTMFCNRegressor in Python.",
        dataset=dataset,
    )
    known = np.unique(problem.y_train)
    require(len(known) > 1, "Training cases must have at least two classes.", labels=known.tolist())
    click.echo(repr(problem))
    from mlstm_fcn.engine import Engine
    from mlstm_fcn.estimators import MLSTMFCNClassifier, NetworkClassifier
    from mlstm_fcn.report.chart import learning_curve

    engine = Engine(precision=precision, device=device, distribution=distribution, n_jobs=jobs)
    options = {"n_epochs": epochs, "batch_size": batch_size, "n_members": members}
    common: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    common |= {
        "engine": engine,
        "recipe": recipe,
        "on_longer": on_longer,
        "random_state": seed,
        "verbose": int(not quiet),
    }
    if network is None:
        classifier: Any = MLSTMFCNClassifier(lstm_units=lstm_units, attention=attention, **common)
    else:
        classifier = NetworkClassifier(network=network, **common)
    started, about = time.perf_counter(), None
    if held_back is None:
        classifier.fit(problem.X_train, problem.y_train)
    else:
        data = problem.X_train, problem.y_train
        classifier, about = fit_and_trust(classifier, *data, held_back, seed)
    fitted = time.perf_counter()
    if output is not None:  # before an error in the test set can lose it
        classifier.save(output)
    before = time.perf_counter()
    y_pred = classifier.predict(problem.X_test)
    predicted = time.perf_counter()
    _print_results(problem.y_test, y_pred, np.union1d(known, problem.y_test))
    if not quiet and (curve := learning_curve(classifier.history_)):
        click.echo(f"\n{curve}\n")
    click.echo(f"time      fit {fitted - started:.1f} s, predict {predicted - before:.1f} s")
    click.echo(f"trained   in {classifier.fitted_.precision}")
    if about:
        click.echo(f"held back {about}")
    if output is None:
        click.echo("next      add --output NAME.keras to save the model")
    else:
        words = ["mlstm-fcn", "predict", str(output), dataset, *(["--folder", str(folder)] if folder else [])]
        click.echo(f"saved     {output}\nnext      {shlex.join(words)}")


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@split_option
@folder_option
@click.option("--report", type=click.Path(path_type=Path), help="Page to write, such as report.html.")
@click.option("--beta", type=float, default=1.0, show_default=True, help="Weight of recall in F-beta.")
def evaluate(
    model: Path, data: str, split: str, folder: Path | None, report: Path | None, beta: float
) -> None:
    """Test a saved MODEL on DATA, the name of a data set or a file with labels.

    The page has metrics, confusion matrix, reliability diagram, the most confident errors with their
    pictures, and gates by class. It needs no network access.
    """
    from mlstm_fcn._checks import require

    if report is not None:
        draw_without_windows()
    X, y = labelled_series(data, split, folder)
    classifier = load_classifier(model)
    y = as_classes(classifier, y)
    unknown = sorted(set(y.tolist()) - set(classifier.classes_.tolist()))
    require(not unknown, "Every label must be a class of the model.", unknown=unknown)
    _print_results(y, classifier.predict(X), classifier.classes_)
    if report is not None:
        from mlstm_fcn.report import write_evaluation

        names = {"model": model.name, "data": f"{data}, {split}"}
        click.echo(f"report    {write_evaluation(classifier, X, y, report, beta=beta, **names)}")


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data")
@split_option
@folder_option
def predict(model: Path, data: str, split: str, folder: Path | None) -> None:
    """Predict the classes of DATA, the name of a data set or a file, with a saved MODEL.

    Prints CSV: the number of the case, from 0; the predicted label; the probability of each label. The last
    column of a model of `train --held-back` tells how unlike the training data a case is: usual ones are
    below 1.
    """
    import csv

    X, _ = series_and_labels(data, split, folder)
    classifier = load_classifier(model)
    probabilities = classifier.predict_proba(X)
    rows = csv.writer(sys.stdout, lineterminator="\n")
    from mlstm_fcn import trust

    known = trust.remembers(classifier)
    unlike = [[f"{value:.3f}"] for value in trust.unlikeness(classifier, X)] if known else [[]] * len(X)
    rows.writerow(["case", "label", *classifier.classes_, *(["unlikeness"] if known else [])])
    for case, (row, last) in enumerate(zip(probabilities, unlike, strict=True)):
        label = classifier.classes_[row.argmax()]
        rows.writerow([case, label, *(f"{value:.6f}" for value in row), *last])


def _print_results(y_true: np.ndarray, y_pred: np.ndarray, labels: np.ndarray) -> None:
    from rich.console import Console

    from mlstm_fcn.report import tables

    console = Console()
    console.print(tables.class_table(y_true, y_pred, labels))
    console.print(tables.confusion_table(y_true, y_pred, labels))
    click.echo(tables.accuracy_line(y_true, y_pred))
