"""Trains every variant on every data set with every seed, and appends each result to a file."""

from __future__ import annotations

import csv
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.model_selection import train_test_split

from mlstm_fcn import datasets, models
from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.ablation.axes import AXES, START, START_OPTIONS, Variant
from mlstm_fcn.estimators import NetworkClassifier
from mlstm_fcn.training.recipes import Recipe

HELD_BACK = 1 / 3


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        dataset: Name of the data set.
        variant: Key of the variant.
        seed: Seed of the split and of the training.
        n_epochs: Number of epochs of the study; a variant may have its own.
        n_training: Number of cases that were trained on.
        n_held_back: Number of cases of the training set that were held back.
        accuracy: Accuracy on the cases held back.
        log_loss: Log loss on the cases held back; NaN if not measured.
        parameters: Number of weights, of all members of an ensemble.
        flops: Operations of a prediction for one series, as `models.cost` counts them, of all members.
        ms_per_batch: Milliseconds of an epoch of one network per 16 training cases, median over epochs. The
            evaluation of a validation set, if there is one, is part of the epoch.
    """

    dataset: str
    variant: str
    seed: int
    n_epochs: int
    n_training: int
    n_held_back: int
    accuracy: float
    log_loss: float
    parameters: int
    flops: int
    ms_per_batch: float


def study(
    path: Path,
    *,
    axes: Sequence[str],
    dataset_names: Sequence[str],
    n_seeds: int,
    n_epochs: int,
    most_cases: int | None = None,
    folder: Path | None = None,
    report: Callable[[Run], Any] = print,
) -> list[Run]:
    """Run the trainings that are missing in a file of runs, and append them.

    No test set is used. A run holds back at least a third of the training set, stratified by class and drawn
    anew for each seed.

    Args:
        path: CSV file of runs; created if it does not exist.
        axes: Names of `AXES`.
        dataset_names: Names that `datasets.load` takes.
        n_seeds: Number of seeds, from 0.
        n_epochs: Number of epochs of each training, unless its variant has its own.
        most_cases: Maximum number of cases that a run trains on; all others are held back.
        folder: Folder in which data sets are searched first.
        report: Called with each new run.

    Returns:
        All runs of these axes, data sets and seeds, also those that the file already had.

    Raises:
        ValueError: If an axis or data set is unknown, or `path` is not a file of runs.
    """
    for axis in axes:
        require_choice("axis", axis, AXES)
    require_positive_int("n_seeds", n_seeds)
    require_positive_int("n_epochs", n_epochs)
    variants = {variant.key: variant for axis in axes for variant in AXES[axis]}
    if most_cases is not None:
        require_positive_int("most_cases", most_cases)
    done = {_key(run): run for run in read_runs(path)}
    wanted = []
    for name in dataset_names:
        X, y = datasets.load(name, "train", folder=folder)
        n_training = min(len(y) - math.ceil(len(y) * HELD_BACK), most_cases or len(y))
        for variant in variants.values():
            for seed in range(n_seeds):
                key = name, variant.key, seed, n_epochs, n_training
                if key not in done:
                    done[key] = _run(name, X, y, variant, seed, n_epochs, n_training)
                    _append(path, done[key])
                    report(done[key])
                wanted.append(done[key])
    return wanted


def read_runs(path: Path) -> list[Run]:
    """The runs of a file; an empty list if there is no file.

    Raises:
        ValueError: If it is not a file of runs.
    """
    if not path.exists():
        return []
    kinds: dict[str, Callable[[str], Any]] = {"int": int, "float": float, "str": str}
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        return [Run(**{f.name: kinds[str(f.type)](row[f.name]) for f in fields(Run)}) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} must be a CSV file of ablation runs: {error}") from error


def _key(run):
    return run.dataset, run.variant, run.seed, run.n_epochs, run.n_training


def _append(path: Path, run: Run) -> None:
    new = not path.exists() or path.stat().st_size == 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow([field.name for field in fields(Run)])
        writer.writerow(astuple(run))


def _run(
    name: str, X: Any, y: np.ndarray, variant: Variant, seed: int, n_epochs: int, n_training: int
) -> Run:
    rule = "Every class must have at least 2 training cases, so that one can be held back."
    require(np.unique(y, return_counts=True)[1].min() >= 2, rule, dataset=name)
    options: dict[str, Any] = {"train_size": n_training, "stratify": y, "random_state": seed}
    training, held_back = train_test_split(np.arange(len(y)), **options)
    rule = "Every class must be among the training cases: increase `most_cases`."
    missing = np.setdiff1d(y, y[training]).tolist()
    require(not missing, rule, dataset=name, n_training=n_training, missing=missing)
    times = _Times()
    network_params, recipe, scaling = _settings(variant, n_epochs)
    classifier = NetworkClassifier(
        network=variant.network,
        network_params=network_params,
        recipe=recipe,
        scaling=scaling,
        callbacks=[times],
        on_longer="cut",
        random_state=seed,
    )
    classifier.fit(_cases(X, training), y[training])
    n_trained = recipe.n_training(len(training))
    costs = _costs(classifier, X, variant.network)
    probabilities = classifier.predict_proba(_cases(X, held_back))
    true = np.searchsorted(classifier.classes_, y[held_back])
    of_true = probabilities[np.arange(len(true)), true]
    return Run(
        name,
        variant.key,
        seed,
        n_epochs,
        n_training,
        n_held_back=len(held_back),
        accuracy=round(float(np.mean(probabilities.argmax(axis=1) == true)), 5),
        log_loss=round(float(-np.log(np.maximum(of_true, 1e-7)).mean()), 5),
        parameters=sum(cost.parameters for cost in costs),
        flops=sum(cost.flops for cost in costs),
        ms_per_batch=round(times.median() / math.ceil(n_trained / 16) * 1e3, 2),
    )


def _costs(classifier, X, name):
    """The cost of each member, for the longest series."""
    _, time, channels = classifier.model_.input_shape
    shape, n_classes = (time or max(series.shape[-1] for series in X), channels), len(classifier.classes_)
    options = classifier.network_options_
    return [models.cost(models.build(name, shape, n_classes, **each)) for each in options]


def _settings(variant: Variant, n_epochs: int) -> tuple[dict[str, Any], Recipe, Any]:
    """The options of the network, the recipe, and the scaling of a variant."""
    known = models.config(variant.network)
    options = {name: value for name, value in START_OPTIONS.items() if hasattr(known, name)}
    training = {**START, **variant.training}
    scaling = training.pop("scaling")
    if "n_steps" not in training:
        training = {"n_epochs": n_epochs, **training}
    return {**options, **variant.options}, Recipe(**training), scaling


def _cases(X, chosen):
    return X[chosen] if isinstance(X, np.ndarray) else [X[case] for case in chosen]


class _Times(keras.callbacks.Callback):
    """Records the time at which each epoch ends."""

    def __init__(self):
        super().__init__()
        self._ends: list[float] = []

    def on_epoch_end(self, epoch, logs=None):
        self._ends.append(time.perf_counter())

    def median(self) -> float:
        """Median seconds of an epoch, without the first one; 0 if there is only one."""
        return statistics.median(np.diff(self._ends)) if len(self._ends) > 1 else 0.0

    def __deepcopy__(self, memo):
        return self
