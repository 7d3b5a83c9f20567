"""Fitting and predicting: what an estimator does once it needs Keras."""

from __future__ import annotations

import copy
import dataclasses
import math
import warnings
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import keras
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from mlstm_fcn._checks import require
from mlstm_fcn.estimators.epoch_tasks import EpochTasks
from mlstm_fcn.inference import predict
from mlstm_fcn.mapped import MappedSeries, chunks
from mlstm_fcn.models.raw_series import front, frozen, join, parts, takes_mask, transfer, with_mask
from mlstm_fcn.preprocess import Container, channel_statistics, lengths, with_length
from mlstm_fcn.training.loop import train
from mlstm_fcn.training.progress import ProgressBar
from mlstm_fcn.training.randomness import seeded
from mlstm_fcn.training.step import Examples

if TYPE_CHECKING:
    from mlstm_fcn.estimators.base import NetworkEstimator
    from mlstm_fcn.estimators.call import FitCall

# Made when they are first needed, and no part of an estimator's state: predicting changes nothing.
_MASKED_MODELS: WeakKeyDictionary[keras.Model, keras.Model] = WeakKeyDictionary()


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
    """Train a new network; sets `model_`, `history_` and `n_epochs_`."""
    recipe, task = dataclasses.replace(estimator._recipe(), **call.changes), estimator._task()
    rng = _generator(estimator, call)
    training, validation = _examples(estimator, X, y, call, recipe, rng, task)
    tasks = EpochTasks(estimator, recipe.n_epochs, X, y)
    with seeded(rng):
        before, network = _untrained(estimator, training, validation, call, task)
    history = {name: list(figures) for name, figures in call.history.items()}
    try:
        with frozen(network, call.freeze):
            train(
                network,
                _prepared(before, training),
                recipe,
                loss=task.loss,
                metrics=task.metrics,
                rng=rng,
                history=history,
                validation=_prepared(before, validation) if validation else None,
                callbacks=[*_callbacks(estimator), tasks],
                checkpoint=Path(estimator.checkpoint) if estimator.checkpoint else None,
            )
    finally:
        if history:  # an interrupted training has trained too
            estimator.history_, estimator.n_epochs_ = history, len(history["loss"])
            estimator.model_ = join(before, network, task.unit)
    return estimator


def _generator(estimator, call):
    """Decides all that is random in a fit; another one for each part of a training that goes on."""
    state = estimator.random_state
    rule = "A fit with a `checkpoint` needs an integer as `random_state`, to be the same fit when it goes on."
    require(not estimator.checkpoint or isinstance(state, Integral), rule, random_state=state)
    if state is None:
        return np.random.default_rng()
    seed = int(state) if isinstance(state, Integral) else check_random_state(state).randint(2**31)
    return np.random.default_rng([seed, call.n_epochs_before] if call.n_epochs_before else seed)


def outputs(estimator: NetworkEstimator, X: Container) -> np.ndarray:
    """The trained network's outputs for series, `(cases, outputs)`."""
    model, batch = model_and_batch(estimator, X)
    return np.concatenate([predict(model, chunk)[0] for chunk in chunks(batch)])


def model_and_batch(
    estimator: NetworkEstimator, X: Container
) -> tuple[keras.Model, np.ndarray | MappedSeries]:
    """The trained model, with a mask where these series end early, and the series as it reads them."""
    batch = estimator._batch(X)
    _, time, channels = estimator.model_.input_shape
    batch = _fitting_in(estimator, batch, time, channels)
    return for_any_length(estimator) if _ends_early(batch) else estimator.model_, batch


def _examples(estimator, X, y, call, recipe, rng, task):
    """What to train on and what to validate on (or None): raw series, targets, weights."""
    weights = estimator._weights(y, recipe) * _given_weights(call.sample_weight, y)
    examples = Examples([estimator._batch(X)], estimator._targets(y), weights.astype(np.float32))
    rule = "`X_val` and `y_val` must be given together, or neither."
    require((call.X_val is None) == (call.y_val is None), rule)
    if call.X_val is not None:
        y_val = np.asarray(call.y_val)
        batch = estimator._batch(estimator._check_convert_X_for_predict(call.X_val))
        require(
            len(batch) == len(y_val),
            "X_val and y_val must have equally many cases.",
            X_val=len(batch),
            y_val=len(y_val),
        )
        weights = estimator._weights(y_val, recipe).astype(np.float32)
        return examples, Examples([batch], estimator._targets(y_val), weights)
    if recipe.validation_split:
        chosen, held_back = _split(y if task.stratified else None, len(y), recipe.validation_split, rng)
        return examples.take(chosen), examples.take(held_back)
    return examples, None


def _given_weights(sample_weight, y):
    if sample_weight is None:
        return np.ones(len(y))
    weights = np.asarray(sample_weight, dtype=np.float64)
    rule = f"`sample_weight` must be {len(y)} finite numbers, not negative and not all zero."
    good = (
        weights.shape == (len(y),) and np.isfinite(weights).all() and (weights >= 0).all() and weights.any()
    )
    require(bool(good), rule, sample_weight=sample_weight)
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


def _untrained(estimator, training, validation, call, task):
    """The front, and a network to train, for these series; lengths of the examples are made to fit."""
    (batch,) = training.inputs
    if call.start is None:
        statistics = channel_statistics(lambda: chunks(batch))
        before = front(*statistics, scaling=estimator.scaling, missing=_fill_in(estimator))
        time, channels = estimator._network_time(*batch.shape[1:]), batch.shape[2]
    else:
        before, source, _ = parts(call.start)
        before = keras.Model(before.input, before.outputs[0], name=before.name)
        _, time, channels = call.start.input_shape
    for examples in filter(None, (training, validation)):
        examples.inputs[0] = _fitting_in(estimator, examples.inputs[0], time, channels)
    masked = any(_ends_early(examples.inputs[0]) for examples in (training, validation) if examples)
    network = estimator._network((time, channels), task.n_outputs, task.activation, masked)
    if call.start is not None:
        transfer(source, network)
    return (with_mask(before) if masked else before), network


def _prepared(before, examples):
    """Examples as the network itself reads them: the front is run once, or as often as a file is read."""
    (series,), prepare = examples.inputs, partial(predict, before)
    if isinstance(series, MappedSeries):
        return dataclasses.replace(examples, prepare=prepare)
    return dataclasses.replace(examples, inputs=prepare(series))


def _fitting_in(estimator, batch, time, channels):
    """Series at the length that the network fixes, if it does."""
    n_channels = batch.shape[2]
    require(n_channels == channels, f"X must have {channels} channels, as in fit.", channels=n_channels)
    if time is None:
        return batch
    rule = f"X must not be longer than {time} steps, as in fit, or be cut to that with longer='cut'."
    require(estimator.longer == "cut" or batch.shape[1] <= time, rule, steps=batch.shape[1])
    return batch.with_length(time) if isinstance(batch, MappedSeries) else with_length(batch, time)


def _ends_early(batch):
    return any(lengths(chunk).min() < batch.shape[1] for chunk in chunks(batch))


def for_any_length(estimator: NetworkEstimator) -> keras.Model:
    """The estimator's model if it reads a mask, else one with the same weights that does."""
    model = estimator.model_
    before, network, unit = parts(model)
    if takes_mask(network):
        return model
    if model not in _MASKED_MODELS:
        task = estimator._task()
        with seeded(np.random.default_rng(0)):
            masked = estimator._network(model.input_shape[1:], task.n_outputs, task.activation, True)
        _copy_weights(network, masked)
        _MASKED_MODELS[model] = join(with_mask(before), masked, unit)
    return _MASKED_MODELS[model]


def _copy_weights(network, masked):
    """By name, since a mask may put the layers in another order; the user's own may have other names."""
    places = {layer.name: layer for layer in masked.layers}
    trained = [layer for layer in network.layers if layer.weights]
    if all(layer.name in places for layer in trained):
        for layer in trained:
            places[layer.name].set_weights(layer.get_weights())
    else:
        masked.set_weights(network.get_weights())


def _callbacks(estimator):
    copies = [copy.deepcopy(callback) for callback in estimator.callbacks or ()]
    return [*copies, ProgressBar()] if estimator.verbose else copies


def _fill_in(estimator):
    return "zero" if estimator.missing == "error" else estimator.missing
