"""Fitting: what an estimator does once it needs Keras."""

from __future__ import annotations

import copy
import dataclasses
import math
import statistics
import warnings
from dataclasses import dataclass
from itertools import zip_longest
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from mlstm_fcn._checks import require
from mlstm_fcn.estimators.call import one_column, require_targets
from mlstm_fcn.estimators.epoch_tasks import EpochTasks
from mlstm_fcn.estimators.parameters import network_parameters
from mlstm_fcn.estimators.predicting import as_networks_read, ends_early, fitting_in
from mlstm_fcn.memmap import chunks, is_large
from mlstm_fcn.models.ensemble import ensemble, members
from mlstm_fcn.models.pipeline import (
    build_preprocessor,
    compose,
    frozen,
    require_freezable,
    split,
    transfer,
    with_mask,
)
from mlstm_fcn.preprocess import Container, channel_statistics, warn_of_coarse_channels
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.loop import train
from mlstm_fcn.training.progress import ProgressBar
from mlstm_fcn.training.randomness import seeded

if TYPE_CHECKING:
    from mlstm_fcn.estimators.base import NetworkEstimator
    from mlstm_fcn.estimators.call import FitCall


@dataclass(frozen=True)
class Task:
    """What the outputs of a network are for.

    Attributes:
        n_outputs: Their number.
        activation: Their activation.
        loss: What training minimises.
        metrics: Further figures to report.
        stratified: Whether a validation split keeps the shares of the targets.
        unit: What the network's outputs are multiplied by, and what is added, to be in the data's unit.
    """

    n_outputs: int
    activation: str
    loss: keras.losses.Loss | str
    metrics: tuple[str, ...]
    stratified: bool
    unit: tuple[float, float] = (1.0, 0.0)


def fit_model(estimator: NetworkEstimator, X: Container, y: np.ndarray, call: FitCall) -> Any:
    """Train new networks; sets `model_`, `network_options_`, `history_` and `n_epochs_`."""
    recipe, task = dataclasses.replace(estimator._recipe(), **call.changes), estimator._task()
    generators = [_generator(estimator, call, member) for member in range(_n_members(recipe, call))]
    training, validation = _examples(estimator, X, y, call, recipe, task)
    before, networks, options = _untrained(estimator, training, validation, call, task, generators)
    require_freezable(networks, call.freeze)
    prepared = [examples and as_networks_read(before, examples) for examples in (training, validation)]
    histories = [{name: list(figures) for name, figures in call.history.items()} for _ in networks]
    tasks = EpochTasks(estimator, recipe.epochs(len(training)) * len(networks), X, y)
    checkpoints = _checkpoints(estimator, len(networks))
    n_whole = len(networks) if call.start else 0  # what has trained before votes in any case
    try:
        with tasks:
            for part in zip(networks, histories, generators, checkpoints, strict=True):
                _train(estimator, recipe, task, prepared, call, tasks, *part)
                n_whole += 1
    finally:
        n_whole = min(max(n_whole, 1), len(networks))  # the first has trained too if it was interrupted
        if histories[0]:
            estimator.history_ = _mean(histories[:n_whole])
            estimator.n_epochs_ = len(estimator.history_["loss"])
            n_new = estimator.n_epochs_ - len(call.history.get("loss", ()))
            estimator._n_epochs_in_all = call.n_epochs_before + n_new
            estimator.network_options_ = options[:n_whole]
            estimator._network_at_fit = network_parameters(estimator)
            estimator.model_ = compose(before, ensemble(networks[:n_whole]), task.unit)
    last = estimator.history_["loss"][-1]
    if not math.isfinite(last):
        text = f"Training has diverged: its last loss is {last}. A lower `learning_rate` may help."
        warnings.warn(text, UserWarning, stacklevel=2)
    for checkpoint in filter(None, reversed(checkpoints)):  # the first one last: without it none is valid
        checkpoint.unlink(missing_ok=True)
    return estimator


def _n_members(recipe, call):
    """Networks to train: where a training goes on, those that there are, or the first of them."""
    if call.start is None:
        return recipe.n_members
    n_before = len(members(split(call.start)[1]))
    rule = "A training that goes on has no more members than before."
    goes_on = bool(call.changes)  # of partial_fit, which takes what an interrupt may have left
    require(goes_on or recipe.n_members <= n_before, rule, n_members=recipe.n_members, before=n_before)
    return min(recipe.n_members, n_before)


def _train(estimator, recipe, task, prepared, call, tasks, network, history, rng, checkpoint):
    training, validation = prepared
    with frozen(network, call.freeze):
        train(
            network,
            training,
            recipe,
            loss=task.loss,
            metrics=task.metrics,
            rng=rng,
            history=history,
            validation=validation,
            callbacks=[*_callbacks(estimator), tasks],
            checkpoint=checkpoint,
        )


def _generator(estimator, call, member):
    """Decides all that is random in the fit of a member; another one where a training goes on."""
    state = estimator.random_state
    rule = "A fit with a `checkpoint` needs an integer as `random_state`, to be the same fit when it goes on."
    require(not estimator.checkpoint or isinstance(state, Integral), rule, random_state=state)
    if state is None:
        return np.random.default_rng()
    seed = int(state) if isinstance(state, Integral) else check_random_state(state).randint(2**31)
    if member:
        return np.random.default_rng([seed, call.n_epochs_before, member])
    return np.random.default_rng([seed, call.n_epochs_before] if call.n_epochs_before else seed)


def _checkpoints(estimator, n_members):
    """A file for each member: the estimator's own if there is one alone."""
    if not estimator.checkpoint:
        return [None] * n_members
    path = Path(estimator.checkpoint)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder of the checkpoint {path} does not exist.")
    others = [path.with_name(f"{path.name}.{number}") for number in range(2, n_members + 1)]
    left = [str(other) for other in others if other.exists() and not path.exists()]
    require(not left, f"{path} is missing, but those of other members are there; delete them.", files=left)
    return [path, *others]


def _mean(histories):
    """Figures of each epoch, over the members that had it."""
    begun = [history for history in histories if history]
    names = dict.fromkeys(name for history in begun for name in history)
    columns = {name: zip_longest(*(history.get(name, ()) for history in begun)) for name in names}
    return {
        name: [statistics.fmean(figure for figure in figures if figure is not None) for figures in column]
        for name, column in columns.items()
    }


def _examples(estimator, X, y, call, recipe, task):
    """What to train on and what to validate on (or None): raw series, targets, weights."""
    weights = estimator._weights(y, recipe) * _given_weights(call.sample_weight, y)
    examples = Dataset([estimator._batch(X)], estimator._targets(y), weights.astype(np.float32))
    if not is_large(X):
        warn_of_coarse_channels(X)
    rule = "`X_val` and `y_val` must be given together, or neither."
    require((call.X_val is None) == (call.y_val is None), rule)
    if call.X_val is not None:
        y_val = one_column(call.y_val)
        require_targets(y_val)
        batch = estimator._batch(estimator._check_convert_X_for_predict(call.X_val))
        require(
            len(batch) == len(y_val),
            "X_val and y_val must have equally many cases.",
            X_val=len(batch),
            y_val=len(y_val),
        )
        weights = estimator._weights(y_val, recipe).astype(np.float32)
        return examples, Dataset([batch], estimator._targets(y_val), weights)
    if recipe.validation_split:
        # A warm start holds back what the first fit did, or it would validate on cases it was trained on.
        rng = _generator(estimator, dataclasses.replace(call, n_epochs_before=0), 0)
        chosen, held_back = _split(y if task.stratified else None, len(y), recipe.validation_split, rng)
        return examples.take(chosen), examples.take(held_back)
    return examples, None


def _given_weights(sample_weight, y):
    if sample_weight is None:
        return np.ones(len(y))
    weights = np.asarray(sample_weight, dtype=np.float64)
    rule = f"`sample_weight` must be {len(y)} finite numbers, not negative and not all zero."
    finite = weights.shape == (len(y),) and np.isfinite(weights).all()
    require(bool(finite and weights.min() >= 0 and weights.any()), rule, sample_weight=sample_weight)
    return weights


def _split(y, n_cases, share, rng):
    """Cases to train on and cases to hold back; by class where each class has enough cases."""
    seed = int(rng.integers(2**31))
    n_held_back = math.ceil(share * n_cases)
    require(n_held_back < n_cases, "The training set is too small for the `validation_split`.", cases=n_cases)
    try:
        return train_test_split(np.arange(n_cases), test_size=n_held_back, stratify=y, random_state=seed)
    except ValueError as error:
        warnings.warn(f"The validation split is not stratified: {error}", UserWarning, stacklevel=2)
        return train_test_split(np.arange(n_cases), test_size=n_held_back, random_state=seed)


def _untrained(estimator, training, validation, call, task, generators):
    """The front, and the networks to train, for these series; lengths of the examples are made to fit."""
    (batch,), sources = training.inputs, None
    if call.start is None:
        mean_and_std = channel_statistics(lambda: chunks(batch))
        before = build_preprocessor(*mean_and_std, scaling=estimator.scaling, missing=_fill_in(estimator))
        shape, numbers = batch.shape[1:], range(len(generators))
        times = [estimator._network_time(*shape, number) for number in numbers]
        time, channels = next(filter(None, times), None), shape[1]  # of one length, if a member needs one
        options = tuple(estimator._network_options(*shape, number) for number in numbers)
    else:
        before, source, _ = split(call.start)
        before = keras.Model(before.input, before.outputs[0], name=before.name)
        _, time, channels = call.start.input_shape
        sources, options = members(source), call.network_options
    for examples in filter(None, (training, validation)):
        examples.inputs[0] = fitting_in(estimator, examples.inputs[0], time, channels)
    masked = any(ends_early(examples.inputs[0]) for examples in (training, validation) if examples)
    networks = []
    form = {"activation": task.activation, "masked": masked}
    for number, rng in enumerate(generators):
        with seeded(rng):
            network = estimator._network((time, channels), task.n_outputs, options[number], **form)
        if sources:
            transfer(sources[number], network)
        networks.append(network)
    return (with_mask(before) if masked else before), networks, options


def _callbacks(estimator):
    given, rule = estimator.callbacks or (), "`callbacks` must be a list of Keras callbacks."
    require(not isinstance(given, keras.callbacks.Callback), rule, callbacks=given)
    copies = [copy.deepcopy(callback) for callback in given]
    return [*copies, ProgressBar()] if estimator.verbose else copies


def _fill_in(estimator):
    return "zero" if estimator.missing == "error" else estimator.missing
