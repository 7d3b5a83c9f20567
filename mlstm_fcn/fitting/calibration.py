"""The temperature of the probabilities of a fitted network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.fitting.cases import Cases
from mlstm_fcn.fitting.fitted import FittedNetwork
from mlstm_fcn.fitting.ridge import sharpness
from mlstm_fcn.fitting.task import Classification
from mlstm_fcn.fitting.variants import Variants
from mlstm_fcn.layers.temperature import LEAST, Temperature
from mlstm_fcn.models.pipeline import compose, split


def calibrated(fitted: FittedNetwork, cases: Cases) -> FittedNetwork:
    """The same network with the temperature at which held-back cases have the smallest log loss.

    Args:
        fitted: A network of a classification. A temperature that it has is replaced.
        cases: Cases that training has not seen.

    Raises:
        ValueError: If it is not of a classification, or a label is unknown.
    """
    rule = "Only the probabilities of classes that exclude each other have a temperature."
    require(isinstance(fitted.task, Classification), rule, task=type(fitted.task).__name__)
    rule = "Series and labels must have the same number of cases, at least one."
    preprocessor, network, _ = split(fitted.keras_model)
    plain = replace(fitted, keras_model=compose(preprocessor, network), _variants=Variants())
    targets, outputs = fitted.task.encode(cases.y), plain.outputs(cases.X)
    require(len(targets) == len(outputs) > 0, rule, series=len(outputs), labels=len(targets))
    likely = np.log(np.maximum(outputs.astype(np.float64), LEAST))
    layer = Temperature(1 / sharpness(likely, targets, cases.weights()), dtype="float32", name="temperature")
    return replace(plain, keras_model=compose(preprocessor, network, layer))


def temperature(fitted: FittedNetwork) -> float:
    """The temperature of the probabilities; 1 where none was set."""
    last: Any = split(fitted.keras_model)[2]
    return last.temperature if isinstance(last, Temperature) else 1.0
