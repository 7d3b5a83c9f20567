"""How unlike its training data a fitted network finds series."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np

from mlstm_fcn import engine
from mlstm_fcn._checks import require
from mlstm_fcn.fitting.fitted import FittedNetwork
from mlstm_fcn.fitting.reference import MOST_FEATURES, Reference, folded, folding
from mlstm_fcn.fitting.task import Classification
from mlstm_fcn.loaders.batches import series_of
from mlstm_fcn.loaders.series import is_loader
from mlstm_fcn.memmap import chunks
from mlstm_fcn.models.ensemble import members
from mlstm_fcn.models.pipeline import compose, split


def with_reference(fitted: FittedNetwork, X: Any, held_back: Any) -> FittedNetwork:
    """The same network with what the features of its training series are.

    Args:
        fitted: The network.
        X: The training series, as `Cases.X`. The network's own answers are their classes.
        held_back: Series of the same kind that training has not seen.

    Raises:
        ValueError: If series do not fit, or there is none.
    """
    features, usual, outputs = features_of(fitted, X), features_of(fitted, held_back), fitted.outputs(X)
    rule = "A reference requires at least two training series and one that was held back."
    require(len(features) > 1 and len(usual) > 0, rule, training=len(features), held_back=len(usual))
    classifies = isinstance(fitted.task, Classification)
    classes = outputs.argmax(axis=1) if classifies else np.zeros(len(outputs), int)
    return replace(fitted, reference=Reference.of(features, classes, usual))


def unlikeness(fitted: FittedNetwork, X: Any) -> np.ndarray:
    """How far series are from the training series, `(cases,)`; rarely above 1 for usual series.

    Raises:
        ValueError: If the network has no reference, or series do not fit.
    """
    require_reference(fitted)
    return fitted.reference.distances(features_of(fitted, X))  # type: ignore[union-attr]


def require_reference(fitted: FittedNetwork) -> None:
    """Raise `ValueError` unless the network knows its training series."""
    rule = "The network must know its training series: call `trust.remember` once, before it is saved."
    require(fitted.reference is not None, rule)


def features_of(fitted: FittedNetwork, X: Any) -> np.ndarray:
    """What the heads of all members read, `(cases, features)`, at most 256 features."""
    if is_loader(X):
        return np.concatenate([features_of(fitted, series) for series in series_of(X)])
    run, found = engine.ready().predict, []
    model, batch = fitted.model_for(X)
    preprocessor, network, _ = split(model)
    for reader in map(partial(compose, preprocessor), _readers(network)):
        found.append(np.concatenate([run(reader, chunk)[0] for chunk in chunks(batch)]).astype(np.float64))
    return folded(np.concatenate(found, axis=1))


def as_model(fitted: FittedNetwork) -> keras.Model:
    """`unlikeness` as a Keras model, from raw series `(batch, time, channels)` to `(batch, 1)`.

    Raises:
        ValueError: If the network has no reference.
    """
    require_reference(fitted)
    reference: Any = fitted.reference
    preprocessor, network, _ = split(fitted.keras_model)
    found = [reader(network.input) for reader in _readers(network)]
    features = keras.layers.Concatenate()(found) if len(found) > 1 else found[0]
    sums = _times(features, folding(features.shape[1]))
    centred = keras.layers.Rescaling(1.0, (-reference.centre).tolist(), dtype="float32")(sums)
    white = _times(centred, reference.whitening)
    every = keras.layers.RepeatVector(len(reference.means), dtype="float32")(white)
    apart = keras.layers.Rescaling(1.0, (-reference.means).tolist(), dtype="float32")(every)
    distances = keras.ops.sqrt(keras.ops.sum(keras.ops.square(apart), axis=-1))
    nearest = keras.ops.min(distances, axis=-1, keepdims=True)
    return compose(preprocessor, keras.Model(network.input, nearest, name=network.name))


def _times(features: Any, matrix: np.ndarray) -> Any:
    layer = keras.layers.Dense(matrix.shape[1], use_bias=False, dtype="float32")
    product = layer(features)
    layer.set_weights([matrix])
    return product


def n_features(model: keras.Model) -> int:
    """The number of features that `features_of` gives."""
    networks = members(split(model)[1])
    return min(sum(_before_head(member).shape[1] for member in networks), MOST_FEATURES)


def _readers(network: keras.Model) -> list[keras.Model]:
    """Each member without its head."""
    return [keras.Model(member.input, _before_head(member)) for member in members(network)]


def _before_head(member: keras.Model) -> Any:
    """What the last layer with weights reads, `(batch, features)`; of features over time, their mean."""
    head = [layer for layer in member.layers if layer.weights][-1]
    features, *_ = keras.tree.flatten(head.input)
    while len(features.shape) > 2:
        features = keras.ops.mean(features, axis=1)
    return features
