"""The trainer of networks of fixed features: a linear head by ridge regression, in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
from scipy.special import expit, softmax

from mlstm_fcn import engine
from mlstm_fcn._checks import require
from mlstm_fcn.fitting.lesson import Lesson
from mlstm_fcn.fitting.ridge import Block, sharpness, solve, solve_in_blocks, some_features, span
from mlstm_fcn.fitting.running import in_blocks, outputs_for, padded
from mlstm_fcn.fitting.task import Task
from mlstm_fcn.layers import MiniRocket1D
from mlstm_fcn.models.pipeline import reading_padded
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.loop import History

MOST_AT_ONCE = 2048  # cases that decide thresholds, statistics, penalty and sharpness
_MOST_ADAPTED = 64  # cases, of which thresholds and scales of kernels are taken
_LEAST_SPREAD = 1e-5  # standard deviation of a feature that says anything


def by_ridge(
    network: keras.Model,
    lesson: Lesson,
    rng: np.random.Generator,
    history: History,
    checkpoint: Path | None,
) -> np.ndarray | None:
    """Ridge regression of the targets on the network's features. See `fitting.members.Trainer`.

    Thresholds, statistics, penalty and sharpness come from the training cases alone. Classes are the targets
    1 and -1; a softmax of the decisions, times the sharpness that suits the decisions of leave-one-out, gives
    probabilities; with several labels a case, a sigmoid of each. There are no epochs, so callbacks are
    not called and there is nothing to resume.
    """
    data, head = lesson.training, _Head(network, lesson.task)
    whole = len(data) <= MOST_AT_ONCE
    numbers = np.arange(len(data)) if whole else _chosen(data, MOST_AT_ONCE, rng)
    some = data if whole else data.take(numbers)
    if not lesson.continues:
        _adapt(network, some.read(_chosen(some, _MOST_ADAPTED, rng)), rng)
    features = outputs_for(head.model, some)
    if not lesson.continues:
        head.standardize(features)
    features = head.standardized(features)
    judged = None if lesson.judged is None else np.flatnonzero(np.isin(numbers, lesson.judged))
    ridge = solve(features, head.answers(some.targets), some.sample_weight.astype(np.float64), judged)
    coefficients, intercept = ridge.coefficients, ridge.intercept
    if not whole:
        basis = span(features)
        del features  # as large as the basis
        coefficients, intercept = solve_in_blocks(lambda: head.blocks(data, basis), ridge.penalty)
        coefficients = basis @ coefficients.astype(basis.dtype)
    factor = head.sharpness(ridge.unseen, some)
    head.dense.set_weights([coefficients * factor, intercept * factor])
    history.update(head.figures(head.outputs(ridge.unseen * factor), some, "leave_one_out_"))
    if lesson.validation is not None:
        history.update(head.figures(outputs_for(network, lesson.validation), lesson.validation, "val_"))
    if judged is None:
        return None
    unseen = np.full(data.targets.shape, np.nan)
    unseen[numbers] = head.outputs(ridge.unseen_together * factor)
    return unseen


def require_solvable(kinds: Sequence[str], freeze: Sequence[str], incremental: bool) -> None:
    """Check, before any member is trained, what a member solved in closed form cannot do.

    Args:
        kinds: How each member is trained.
        freeze: Prefixes of the names of layers that training leaves as they are.
        incremental: Whether the cases come in addition to those of earlier fits.

    Raises:
        ValueError: If there is such a member, and cases are added or its head is frozen.
    """
    if "ridge" in kinds:
        rule = "Random convolutions are solved from all cases at once: use `fit` with all of them."
        require(not incremental, rule)
        frozen = any("output".startswith(prefix) for prefix in freeze)
        rule = "`freeze` must leave the head, which is all that random convolutions solve."
        require(not frozen, rule, freeze=freeze)


class _Head:
    """The linear head: the features that it reads, what it answers, and the figures of its outputs.

    Attributes:
        model: From series to features that are not standardised.
        dense: The layer that is solved.
    """

    def __init__(self, network: keras.Model, task: Task):
        self._activation = task.activation
        self._metric = "".join(task.metrics)
        self._statistics = network.get_layer("standardize")
        self.model = keras.Model(network.input, self._statistics.input)
        self.dense = network.get_layer("output")

    def standardize(self, features: np.ndarray) -> None:
        """Set mean and variance of each feature; one that does not vary becomes zero."""
        moments = [(own.mean(axis=0), own.var(axis=0)) for own in some_features(features)]
        mean, variance = map(np.concatenate, zip(*moments, strict=True))
        variance[variance < _LEAST_SPREAD**2] = np.finfo(np.float32).max
        self._statistics.set_weights([mean, variance])

    def standardized(self, features: np.ndarray) -> np.ndarray:
        """Features as the layer reads them, in the same memory."""
        mean, variance = self._statistics.get_weights()
        features -= mean
        features /= np.sqrt(variance)
        return features

    def answers(self, targets: np.ndarray) -> np.ndarray:
        """What the linear head is fitted to."""
        numbers = targets.astype(np.float64)
        return numbers if self._activation == "linear" else 2.0 * numbers - 1.0

    def blocks(self, data: Dataset, basis: np.ndarray) -> Iterator[Block]:
        """Features in a basis, answers and weights of some cases at a time."""
        for block, features in in_blocks(self.model, data):
            yield self.standardized(features) @ basis, self.answers(block.targets), block.sample_weight

    def sharpness(self, decisions: np.ndarray, data: Dataset) -> float:
        if self._activation == "linear":
            return 1.0
        return sharpness(*self._choices(decisions, np.zeros_like(decisions), data))

    def outputs(self, decisions: np.ndarray) -> np.ndarray:
        if self._activation == "linear":
            return decisions
        return softmax(decisions, axis=1) if self._activation == "softmax" else expit(decisions)

    def _choices(
        self, values: np.ndarray, of_absence: np.ndarray, data: Dataset
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values, targets and weights, of which each row is a choice of one class.

        With several labels a case, each label is such a choice: that the case has it, or has it not.
        """
        targets, weights = data.targets, data.sample_weight
        if self._activation == "softmax":
            return values, targets, weights
        pairs = [np.stack(both, -1).reshape(-1, 2) for both in ((values, of_absence), (targets, 1 - targets))]
        return pairs[0], pairs[1], np.repeat(weights, targets.shape[1])

    def figures(self, outputs: np.ndarray, data: Dataset, prefix: str) -> History:
        """Loss and metrics of outputs, as of an epoch."""
        if self._activation == "linear":
            errors = np.square(outputs - data.targets).mean(axis=1)
            return {f"{prefix}loss": [_mean(errors, data.sample_weight)]}
        outputs, targets, weights = self._choices(outputs, 1 - outputs, data)
        hits = outputs.argmax(axis=1) == targets.argmax(axis=1)
        likely = np.log(np.maximum(np.sum(outputs * targets, axis=1), 1e-7))
        return {
            f"{prefix}loss": [-_mean(likely, weights)],
            f"{prefix}{self._metric}": [_mean(hits, weights)],
        }


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    """The weighted mean; NaN of cases without weight."""
    return float(np.average(values, weights=weights)) if weights.any() else float("nan")


def _adapt(network: keras.Model, some: Dataset, rng: np.random.Generator) -> None:
    """Give every layer of fixed kernels its channels and thresholds, from training cases."""
    layers = [layer for layer in network.layers if isinstance(layer, MiniRocket1D)]
    series = {id(layer): keras.tree.flatten(layer.input)[0] for layer in layers}
    reader = reading_padded(keras.Model(network.input, list(series.values())))
    lengths = np.full(len(some), some.inputs[0].shape[1])
    if len(some.inputs) > 1:
        lengths = some.inputs[1].sum(axis=1)
    for layer, read in zip(layers, engine.current().predict(reader, padded(some)), strict=True):
        layer.adapt(read * (np.arange(read.shape[1]) < lengths[:, None])[..., None], lengths, rng)


def _chosen(data: Dataset, most: int, rng: np.random.Generator) -> np.ndarray:
    """Some of the cases, in order."""
    return np.sort(rng.permutation(len(data))[:most])
