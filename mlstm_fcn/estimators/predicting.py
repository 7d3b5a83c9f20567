"""Predicting: what a fitted estimator does once it needs Keras."""

from __future__ import annotations

import dataclasses
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import keras
import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.inference import predict
from mlstm_fcn.memmap import MemmapSeries, chunks
from mlstm_fcn.models.ensemble import ensemble, members
from mlstm_fcn.models.pipeline import compose, matching_layers, split, takes_mask, with_mask, without_filling
from mlstm_fcn.preprocess import Container, lengths, with_length
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.randomness import seeded

if TYPE_CHECKING:
    from mlstm_fcn.estimators.base import NetworkEstimator

# Made when they are first needed, and no part of an estimator's state: predicting changes nothing.
_MASKED_MODELS: WeakKeyDictionary[keras.Model, keras.Model] = WeakKeyDictionary()
_COMPLETE_MODELS: WeakKeyDictionary[keras.Model, keras.Model] = WeakKeyDictionary()
_LARGE = 1 << 20  # values


def outputs(estimator: NetworkEstimator, X: Container) -> np.ndarray:
    """The trained network's outputs for series, `(cases, outputs)`.

    Raises:
        ValueError: If an output is no finite number.
    """
    model, batch = model_and_batch(estimator, X)
    values = np.concatenate([predict(model, chunk)[0] for chunk in chunks(batch)])
    cases = np.flatnonzero(~np.isfinite(values).all(axis=1)).tolist()
    rule = "Outputs must be finite: these values are too large for the network, or its training has diverged."
    require(not cases, rule, cases=cases[:5], n_cases=len(cases))
    return values


def model_and_batch(
    estimator: NetworkEstimator, X: Container
) -> tuple[keras.Model, np.ndarray | MemmapSeries]:
    """The trained model, with a mask where these series end early, and the series as it reads them."""
    batch = estimator._batch(X)
    _, time, channels = estimator.model_.input_shape
    batch = fitting_in(estimator, batch, time, channels)
    if ends_early(batch):
        return for_any_length(estimator), batch
    return for_complete(estimator.model_) if is_large_and_complete(batch) else estimator.model_, batch


def fitting_in(
    estimator: NetworkEstimator, batch: np.ndarray | MemmapSeries, time: int | None, channels: int
) -> np.ndarray | MemmapSeries:
    """Series at the length that the network fixes, if it does."""
    n_channels = batch.shape[2]
    require(n_channels == channels, f"X must have {channels} channels, as in fit.", channels=n_channels)
    if time is None:
        return batch
    steps = batch.shape[1]
    rule = f"X must not be longer than {time} steps, as in fit, or be cut to that with on_longer='cut'."
    require(estimator.on_longer != "error" or steps <= time, rule, steps=steps)
    if steps > time and estimator.on_longer == "warn":
        text = (
            f"Series of up to {steps} steps are cut to the {time} of the longest one in fit; "
            "on_longer='cut' says that this is meant, on_longer='error' forbids it."
        )
        warnings.warn(text, UserWarning, stacklevel=2)
    return batch.with_length(time) if isinstance(batch, MemmapSeries) else with_length(batch, time)


def ends_early(batch: np.ndarray | MemmapSeries) -> bool:
    """Whether a series ends before the last step."""
    return any(lengths(chunk).min() < batch.shape[1] for chunk in chunks(batch))


def for_any_length(estimator: NetworkEstimator) -> keras.Model:
    """The estimator's model if it reads a mask, else one with the same weights that does."""

    def make(before: keras.Model, network: keras.Model) -> tuple[keras.Model, keras.Model]:
        with seeded(np.random.default_rng(0)):
            pairs = zip(members(network), estimator.network_options_, strict=True)
            return with_mask(before), ensemble([_masked(estimator, *pair) for pair in pairs])

    return _unless_masked(estimator.model_, _MASKED_MODELS, make)


def for_complete(model: keras.Model) -> keras.Model:
    """A model if it reads a mask, else the same without the layer that fills in."""
    return _unless_masked(model, _COMPLETE_MODELS, lambda before, network: (without_filling(before), network))


def _unless_masked(model, made, make):
    """A model if it reads a mask, else another one for other series, which is made once."""
    before, network, unit = split(model)
    if takes_mask(network):
        return model
    if model not in made:
        other_before, other_network = make(before, network)
        made[model] = compose(other_before, other_network, unit)
    return made[model]


def is_large_and_complete(batch: np.ndarray | MemmapSeries) -> bool:
    """Whether nothing is missing in so many values that looking for gaps in the graph would take long."""
    return isinstance(batch, np.ndarray) and batch.size >= _LARGE and not np.isnan(batch).any()


def as_networks_read(before: keras.Model, examples: Dataset) -> Dataset:
    """Dataset as the network itself reads them: the front is run once, or as often as a file is read."""
    (series,) = examples.inputs
    if len(before.outputs) == 1 and is_large_and_complete(series):
        before = without_filling(before)
    prepare = partial(predict, before)
    if isinstance(series, MemmapSeries):
        return dataclasses.replace(examples, prepare=prepare)
    return dataclasses.replace(examples, inputs=prepare(series))


def _masked(estimator: NetworkEstimator, network: keras.Model, options: dict[str, Any]) -> Any:
    task = estimator._task()
    form: dict[str, Any] = {"activation": task.activation, "masked": True}
    masked = estimator._network(network.input_shape[1:], task.n_outputs, options, **form)
    _copy_weights(network, masked)
    return masked


def _copy_weights(network, masked):
    """By layers, since a mask may put them in another order; weight by weight if kinds differ."""
    pairs = matching_layers(network, masked)
    if len(pairs) == sum(bool(layer.weights) for layer in masked.layers):
        for trained, copy in pairs:
            copy.set_weights(trained.get_weights())
    else:
        masked.set_weights(network.get_weights())
