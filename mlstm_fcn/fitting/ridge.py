"""Ridge regression with its penalty by exact leave-one-out, and probabilities from its decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from mlstm_fcn._checks import require

PENALTIES = np.logspace(-4, 4, 25)
"""In units of the mean eigenvalue of the Gram matrix of the cases."""

Block = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Features, targets and weights of some cases."""

_COLUMNS = 2048  # features at a time
_SHARPNESS = (-3.0, 5.0)  # natural logarithm


@dataclass(frozen=True, eq=False)
class Ridge:
    """A solution of weighted ridge regression with an unpenalised intercept.

    Attributes:
        coefficients: `(features, outputs)`.
        intercept: `(outputs,)`.
        penalty: Factor of the squared coefficients.
        unseen: For each case, the prediction of the solution without that case, `(cases, outputs)`.
        unseen_together: For each case of a group, that of the solution with the same penalty and without the
            whole group; NaN for other cases, and for those of weight zero.
    """

    coefficients: np.ndarray
    intercept: np.ndarray
    penalty: float
    unseen: np.ndarray
    unseen_together: np.ndarray


def solve(
    features: np.ndarray, targets: np.ndarray, weights: np.ndarray, together: np.ndarray | None = None
) -> Ridge:
    """Solve in the dual: the cost grows with the cube of the number of cases.

    The penalty is the one of `PENALTIES` with the smallest weighted squared error of leave-one-out, which the
    diagonal of the hat matrix gives exactly: a case's residual divided by one minus its leverage.

    Args:
        features: `(cases, features)`, of comparable size.
        targets: `(cases, outputs)`.
        weights: Weight of each case, not negative; a case of weight zero is only predicted.
        together: Cases of a group, by index, that are to be predicted without the whole group. It must leave
            cases of positive weight.

    Raises:
        ValueError: If all weights are zero.

    References:
        Rifkin, Lippert: Notes on regularized least squares, MIT-CSAIL-TR-2007-025.
    """
    counted = weights > 0
    require(bool(counted.any()), "At least one case must have a positive weight.")
    known, root = features if counted.all() else features[counted], np.sqrt(weights[counted])[:, None]
    mean = np.average(targets[counted], axis=0, weights=weights[counted])
    values, vectors = linalg.eigh(sum(own @ own.T for _, own in _centred(known, root)))
    rotated = vectors.T @ ((targets[counted] - mean) * root)
    dual = _Dual(np.maximum(values, 0.0), vectors, root / linalg.norm(root), rotated)
    unit = float(dual.values.mean()) or 1.0  # zero where no feature varies
    penalty = min(PENALTIES * unit, key=lambda one: float(np.square(dual.errors(one)).sum()))
    weighted = dual.coefficients(penalty)
    parts = [(centre, own.T @ weighted) for centre, own in _centred(known, root)]
    coefficients = np.concatenate([part for _, part in parts])
    intercept = mean - sum(centre @ part for centre, part in parts)
    unseen, without_group = np.empty(targets.shape), np.full(targets.shape, np.nan)
    unseen[counted] = targets[counted] - dual.errors(penalty) / root
    unseen[~counted] = features[~counted] @ coefficients + intercept
    if together is not None:
        group = counted & np.isin(np.arange(len(targets)), together)
        of_known = group[counted]
        without_group[group] = targets[group] - dual.errors_without(of_known, penalty) / root[of_known]
    return Ridge(coefficients, intercept, float(penalty), unseen, without_group)


@dataclass(frozen=True, eq=False)
class _Dual:
    """Ridge regression of cases that are centred and multiplied by the roots of their weights.

    Attributes:
        values: Eigenvalues of the Gram matrix of the cases.
        vectors: Its eigenvectors, in columns.
        intercept: The unit vector along the roots of the weights, `(cases, 1)`, which the intercept fits.
        rotated: Targets about their mean, times the roots, in the basis of the eigenvectors.
    """

    values: np.ndarray
    vectors: np.ndarray
    intercept: np.ndarray
    rotated: np.ndarray

    def coefficients(self, penalty: float) -> np.ndarray:
        """Of the cases, `(cases, outputs)`."""
        return self.vectors @ (self.rotated / (self.values + penalty)[:, None])

    def errors(self, penalty: float) -> np.ndarray:
        """Of leave-one-out: the residual of each case, divided by one minus its leverage."""
        leverage = self.intercept[:, 0] ** 2 + np.square(self.vectors) @ self._kept(penalty)
        return penalty * self.coefficients(penalty) / np.maximum(1.0 - leverage, 1e-9)[:, None]

    def errors_without(self, group: np.ndarray, penalty: float) -> np.ndarray:
        """Of the cases of a group where all of them are left out: the same, with the group's hat matrix."""
        own, intercept = self.vectors[group], self.intercept[group]
        rest = np.eye(len(own)) - intercept @ intercept.T - (own * self._kept(penalty)) @ own.T
        return linalg.solve(rest, penalty * self.coefficients(penalty)[group], assume_a="pos")

    def _kept(self, penalty: float) -> np.ndarray:
        return self.values / (self.values + penalty)


def _centred(features: np.ndarray, root: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The weighted means of some features at a time, and the features about them times `root`."""
    for own in some_features(features):
        centre = np.average(own, axis=0, weights=root[:, 0] ** 2)
        yield centre, (own - centre) * root


def some_features(features: np.ndarray) -> Iterator[np.ndarray]:
    """Some features at a time, in double precision: all of them would be the peak of memory."""
    for start in range(0, features.shape[1], _COLUMNS):
        yield features[:, start : start + _COLUMNS].astype(np.float64)


def span(features: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the space that the features of some cases span, `(features, dimensions)`.

    Ridge regression within it needs no more memory than these cases, however many others there are.

    References:
        Williams, Seeger: Using the Nystrom method to speed up kernel machines, NIPS 2000.
    """
    values, vectors = linalg.eigh(sum(own @ own.T for own in some_features(features)))
    kept = values > 1e-10 * values[-1]
    scaled = vectors[:, kept] / np.sqrt(values[kept])
    basis = np.empty((features.shape[1], scaled.shape[1]), np.float32)
    for start, own in enumerate(some_features(features)):
        basis[start * _COLUMNS : (start + 1) * _COLUMNS] = own.T @ scaled
    return basis


def solve_in_blocks(blocks: Callable[[], Iterable[Block]], penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Solve in the primal with a given penalty: the cost grows linearly with the number of cases.

    Args:
        blocks: Yields features, targets and weights of some cases at a time, as in `solve`. Called once.
        penalty: Factor of the squared coefficients.

    Returns:
        Coefficients and intercept.
    """
    gram: Any = 0.0
    for features, targets, weights in blocks():
        known = np.c_[features.astype(np.float64), targets, np.ones(len(targets))]
        gram = gram + known.T @ (weights[:, None] * known)
    total, sums = gram[-1, -1], gram[-1]
    gram = gram - np.outer(sums, sums) / total  # about the weighted means
    n_features = len(gram) - 1 - targets.shape[1]
    inner, moment = gram[:n_features, :n_features], gram[:n_features, n_features:-1]
    coefficients = linalg.solve(inner + penalty * np.eye(n_features), moment, assume_a="pos")
    return coefficients, (sums[n_features:-1] - sums[:n_features] @ coefficients) / total


def sharpness(decisions: np.ndarray, hits: np.ndarray, weights: np.ndarray) -> float:
    """The factor of decisions with which their softmax has the smallest log loss: temperature scaling.

    Where every decision is right, a larger factor would always be better. So a share 1 / (cases + 2) of each
    target is spread over all classes, as if one more case might be of another class.

    Args:
        decisions: Predictions for cases that the model has not seen, `(cases, classes)`.
        hits: One-hot classes, `(cases, classes)`.
        weights: Weight of each case.

    References:
        Guo et al.: On calibration of modern neural networks, arXiv 1706.04599. Platt: Probabilistic outputs
        for support vector machines, 1999, section 2.2.
    """
    spread = 1 / (len(hits) + 2)
    targets = (1 - spread) * hits + spread / hits.shape[1]

    def loss(logarithm: float) -> float:
        each = np.sum(targets * log_softmax(decisions * np.exp(logarithm), axis=1), axis=1)
        return -float(weights @ each)

    return float(np.exp(minimize_scalar(loss, bounds=_SHARPNESS, method="bounded").x))
