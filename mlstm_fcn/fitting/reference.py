"""What the features of usual series are, so that an unusual series is noticed."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from sklearn.covariance import LedoitWolf

from mlstm_fcn._checks import require

MOST_FEATURES = 256
_SHARE = 0.95  # of the usual series that are nearer than 1


@dataclass(frozen=True, eq=False)
class Reference:
    """Means of the features of each class, and their common covariance.

    The distance of a series is that of Mahalanobis to the nearest mean. Its unit is the distance below which
    95 % of held-back series are.

    Attributes:
        centre: Mean of each feature, `(features,)`.
        means: Mean of each class after whitening, `(classes, features)`.
        whitening: From centred features to features of unit covariance within classes, divided by the
            unit, `(features, features)`.

    References:
        Lee et al.: A simple unified framework for detecting out-of-distribution samples and adversarial
        attacks, arXiv 1807.03888, section 2.1. Ledoit, Wolf: A well-conditioned estimator for
        large-dimensional covariance matrices, JMVA 88, 2004.
    """

    centre: np.ndarray
    means: np.ndarray
    whitening: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, classes: np.ndarray, held_back: np.ndarray) -> Reference:
        """Learn from features of training cases, and take the unit from those of held-back ones.

        Args:
            features: `(cases, features)`.
            classes: Number of the class of each case.
            held_back: `(cases, features)`.
        """
        centre, spread = features.mean(axis=0), features.std(axis=0)
        spread = np.maximum(
            spread, max(1e-3 * float(spread.max()), 1e-6)
        )  # of a feature that is seldom active
        scaled = (features - centre) / spread
        numbers = np.unique(classes)
        means = np.array([scaled[classes == number].mean(axis=0) for number in numbers])
        within = scaled - means[np.searchsorted(numbers, classes)]
        covariance = LedoitWolf(assume_centered=True).fit(within).covariance_
        values, vectors = np.linalg.eigh(covariance)
        whitening = vectors / np.sqrt(np.maximum(values, 1e-6))
        made = cls(centre, means @ whitening, whitening / spread[:, None])
        unit = max(float(np.quantile(made.distances(held_back), _SHARE)), 1e-6)
        return cls(centre, made.means / unit, made.whitening / unit)

    def distances(self, features: np.ndarray) -> np.ndarray:
        """The distance of each series to the nearest mean, `(cases,)`; rarely above 1 for usual series."""
        white = (features - self.centre) @ self.whitening
        apart = [np.linalg.norm(white - mean, axis=1) for mean in self.means]
        return np.min(apart, axis=0)

    def to_plain(self) -> dict[str, Any]:
        """As values that JSON can hold, in float32."""
        arrays = {one.name: getattr(self, one.name).astype("<f4") for one in fields(self)}
        return {
            name: {"shape": list(array.shape), "float32": b64encode(array.tobytes()).decode()}
            for name, array in arrays.items()
        }

    @classmethod
    def from_plain(cls, values: dict[str, Any], n_features: int) -> Reference:
        """The reverse of `to_plain`.

        Raises:
            ValueError: If the arrays are not those of this number of features, or not finite.
        """
        arrays = {
            one.name: np.frombuffer(b64decode(values[one.name]["float32"], validate=True), "<f4")
            .reshape(values[one.name]["shape"])
            .astype(np.float64)
            for one in fields(cls)
        }
        made = cls(**arrays)
        shapes = {name: array.shape for name, array in arrays.items()}
        fits = shapes["centre"] == (n_features,) and shapes["whitening"] == (n_features, n_features)
        fits = fits and len(made.means) > 0 and shapes["means"] == (len(made.means), n_features)
        finite = all(np.isfinite(array).all() for array in arrays.values())
        rule = f"The reference must hold finite numbers for {n_features} features."
        require(bool(fits and finite), rule, **shapes)
        return made


def folded(features: np.ndarray) -> np.ndarray:
    """At most 256 features: of more, sums with random signs, which keep distances in the mean.

    The signs follow from the number of the feature, so nothing needs to be stored.

    References:
        Weinberger et al.: Feature hashing for large scale multitask learning, arXiv 0902.2206.
    """
    n_features = features.shape[1]
    if n_features <= MOST_FEATURES:
        return features
    place, sign = _sums(n_features)
    sums = np.zeros((MOST_FEATURES, len(features)))
    np.add.at(sums, place, (features * sign).T)
    return sums.T


def folding(n_features: int) -> np.ndarray:
    """`folded` as a matrix to multiply features by, `(features, at most 256)`, float32."""
    if n_features <= MOST_FEATURES:
        return np.eye(n_features, dtype=np.float32)
    place, sign = _sums(n_features)
    matrix = np.zeros((n_features, MOST_FEATURES), np.float32)
    matrix[np.arange(n_features), place] = sign
    return matrix


def _sums(n_features: int) -> tuple[np.ndarray, np.ndarray]:
    """To which sum each feature is added, and with which sign."""
    mixed = np.arange(n_features, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(2**32)
    place = (mixed >> np.uint64(24)).astype(int) % MOST_FEATURES
    return place, np.where(mixed >> np.uint64(8) & np.uint64(1), 1.0, -1.0)
