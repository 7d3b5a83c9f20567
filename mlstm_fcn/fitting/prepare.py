"""From labelled series to what members train and validate on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import keras
import numpy as np
from sklearn.model_selection import train_test_split

from mlstm_fcn import engine
from mlstm_fcn._checks import require
from mlstm_fcn._groups import held_back
from mlstm_fcn._warnings import warn
from mlstm_fcn.fitting.cases import Cases
from mlstm_fcn.fitting.fitted import is_large_and_complete
from mlstm_fcn.fitting.inputs import InputPolicy
from mlstm_fcn.fitting.names import Names, in_order
from mlstm_fcn.fitting.rng import RngSpec
from mlstm_fcn.fitting.streams import encoder
from mlstm_fcn.fitting.task import Task
from mlstm_fcn.loaders.series import LoadedSeries
from mlstm_fcn.models.pipeline import without_filling
from mlstm_fcn.preprocess import is_complete
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.recipes import Recipe

_AT_ONCE = 1 << 18  # values of series that are preprocessed at once


def datasets(
    train: Cases,
    validation: Cases | None,
    task: Task,
    recipe: Recipe,
    inputs: InputPolicy,
    rng: RngSpec,
    channels: Names | None = None,
) -> tuple[Dataset, Dataset | None, np.ndarray | None]:
    """What to train on and what to validate on, as raw series; frames with their channels in that order.

    Returns:
        The training set, the validation set or None, and whether a `validation_split` holds each of the
        training cases back, bool `(cases,)`; None without one.
    """
    _require_use_of_groups(train, validation, recipe)
    train = replace(train, X=in_order(train.X, channels))
    examples = _dataset(train, task, recipe, inputs, warns=True)
    if validation is not None:
        validation = replace(validation, X=in_order(validation.X, channels))
        return examples, _dataset(validation, task, recipe, inputs), None
    if not recipe.validation_split:
        return examples, None, None
    # Continued training holds back the cases of the first fit, or it would validate on cases trained on.
    n_held_back = len(train.y) - recipe.n_training(len(train.y))
    classes = train.y if task.stratified else None
    if train.groups is not None:
        chosen, held = _split_by_group(classes, train.group_numbers(), n_held_back, rng.generator())
    else:
        chosen, held = _split(classes, len(train.y), n_held_back, rng.generator())
    return examples.take(chosen), examples.take(held), np.isin(np.arange(len(train.y)), held)


def _require_use_of_groups(train: Cases, validation: Cases | None, recipe: Recipe) -> None:
    """Raise unless groups, if there are any, decide which cases are held back."""
    if train.groups is None:
        return
    rule = "`groups` divide the training set, and `X_val` replaces that: leave out one of the two."
    require(validation is None, rule)
    rule = "`vote='worth'` leaves out cases, not groups: use another recipe, or leave `groups` out."
    require(recipe.vote != "worth" or recipe.n_members == 1, rule, vote=recipe.vote)
    rule = "`groups` divide the `validation_split`: set it, for example to 0.2, or leave `groups` out."
    require(recipe.validation_split > 0, rule, validation_split=recipe.validation_split)


def _dataset(
    cases: Cases, task: Task, recipe: Recipe, inputs: InputPolicy, *, warns: bool = False
) -> Dataset:
    class_weights = task.sample_weights(cases.y, recipe.class_weight)
    weights = cases.weights() * class_weights
    targets = task.encode(cases.y)
    batch = inputs.read(cases.X, warns=warns)
    rule = "Series and targets must have the same number of cases."
    require(len(batch) == len(targets), rule, series=len(batch), targets=len(targets))
    encode = encoder(task, targets, class_weights) if isinstance(batch, LoadedSeries) else None
    return Dataset([batch], targets, weights.astype(np.float32), encode=encode)


def _split(
    y: np.ndarray | None, n_cases: int, n_held_back: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cases to train on and cases to hold back; by class where each class has enough cases."""
    seed = int(rng.integers(2**31))
    split = partial(train_test_split, np.arange(n_cases), test_size=n_held_back, random_state=seed)
    try:
        return split(stratify=y)
    except ValueError as error:
        warn(f"The validation split is not stratified: {error}")
        return split()


def _split_by_group(
    y: np.ndarray | None, groups: np.ndarray, n_held_back: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cases to train on and cases to hold back, with no group in both."""
    held = held_back(groups, n_held_back, rng, y)
    lost = [] if y is None else sorted(set(y[held].tolist()) - set(y[~held].tolist()), key=str)
    if lost:
        text = "All cases of a class are in groups that validate; try another `random_state` or share."
        warn(f"{text} Classes: {lost[:5]}")
    return np.flatnonzero(~held), np.flatnonzero(held)


def as_members_read(preprocessor: keras.Model, data: Dataset) -> Dataset:
    """Preprocessed cases; those of files and loaders are preprocessed whenever they are read."""
    (series,) = data.inputs
    predict = engine.current().predict
    if isinstance(series, np.ndarray):
        chosen = _of_complete(preprocessor) if is_large_and_complete(series) else preprocessor
        return replace(data, inputs=_in_place(partial(predict, chosen), series))
    of_complete = _of_complete(preprocessor)

    def prepare(some: np.ndarray) -> list[np.ndarray]:
        return predict(of_complete if is_complete(some) else preprocessor, some, at_once=len(some))

    return replace(data, prepare=prepare)


def _of_complete(preprocessor: keras.Model) -> keras.Model:
    """What does the same to series without gaps, in less time; with a mask itself."""
    return preprocessor if len(preprocessor.outputs) > 1 else without_filling(preprocessor)


def _in_place(prepare: Callable[[np.ndarray], list[np.ndarray]], series: np.ndarray) -> list[np.ndarray]:
    """Preprocessed series, written over the raw ones, and the mask if the preprocessor gives one."""
    at_once, masks = max(1, _AT_ONCE // series[0].size), []
    for start in range(0, len(series), at_once):
        some = series[start : start + at_once]
        some[:], *mask = prepare(some)
        masks.append(mask)
    return [series, *(np.concatenate(parts) for parts in zip(*masks, strict=True))]
