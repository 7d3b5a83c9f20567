"""Arguments shared by the commands on saved models: the model and the series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import numpy as np

    from mlstm_fcn.datasets import Series

split_option: Callable[..., Any] = click.option(
    "--split",
    type=click.Choice(["train", "test"]),
    default="test",
    show_default=True,
    help="Split of the data set.",
)
folder_option: Callable[..., Any] = click.option(
    "--folder", type=click.Path(path_type=Path), help="Folder to search first for data sets."
)


def load_estimator(model: Path) -> Any:
    """Load an estimator from a file."""
    from mlstm_fcn.estimators.base import NetworkEstimator

    return NetworkEstimator.load(model)


def load_classifier(model: Path) -> Any:
    """Load a classifier of one label a case from a file."""
    from mlstm_fcn._checks import require
    from mlstm_fcn.estimators.classifier import BaseNetworkClassifier

    classifier = BaseNetworkClassifier.load(model)
    one = classifier.fitted_.task.activation == "softmax"
    require(one, "This command needs a model of one label a case; use this one in Python.", model=str(model))
    return classifier


def series_and_labels(data: str, split: str, folder: Path | None) -> tuple[Series, np.ndarray]:
    """Load series and labels of a data set, by name, or of a file."""
    from mlstm_fcn import datasets
    from mlstm_fcn.datasets.formats import SUFFIXES

    if Path(data).suffix in SUFFIXES:
        return datasets.read(data)
    return datasets.load(data, split=split, folder=folder)  # type: ignore[call-overload]


def labelled_series(data: str, split: str, folder: Path | None) -> tuple[Series, np.ndarray]:
    """Load series and labels, and require that every case has a label."""
    from mlstm_fcn._checks import require

    X, y = series_and_labels(data, split, folder)
    require(len(y) > 0, "Evaluation requires a label for every case.", data=data)
    return X, y


def as_classes(estimator: Any, y: Any) -> np.ndarray:
    """Labels of a file, which are text, in the type of the classes of a model; others as they are."""
    import numpy as np

    classes = getattr(estimator, "classes_", None)
    by_text = {str(label): label for label in classes} if isinstance(classes, np.ndarray) else {}
    known = len(y) > 0 and set(y.tolist()) <= set(by_text)
    return np.array([by_text[label] for label in y.tolist()]) if known else y
