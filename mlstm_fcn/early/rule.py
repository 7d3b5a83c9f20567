"""When to answer: the rule, its choice from probabilities of unseen cases, and its file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from mlstm_fcn._checks import require, require_positive_int
from mlstm_fcn._files import damage_of, write_text

_N_THRESHOLDS = 200
_MOST_AGREEING = 5  # as TEASER
_MOST_BYTES = 2**20


@dataclass(frozen=True)
class StoppingRule:
    """Answer at the first checkpoint at which the probability of the likeliest class reaches a threshold.

    The same class must have been the likeliest at the checkpoints before, too. Without such a checkpoint
    the answer is that for the whole series, or at the last checkpoint.

    Attributes:
        checkpoints: Numbers of steps after which the rule is asked, ascending.
        threshold: The least probability, in [0, 1].
        agreement: Number of checkpoints in a row that must have the same likeliest class.

    Raises:
        ValueError: If a value is out of its range.

    References:
        Schaefer, Leser: TEASER, DMKD 34, 2020, whose rule learns what is sure from a one-class support vector
        machine for each checkpoint. Here it is one threshold, which the file of the rule can hold.
    """

    checkpoints: tuple[int, ...]
    threshold: float
    agreement: int = 1

    def __post_init__(self) -> None:
        rule = "`checkpoints` must be positive integers, ascending."
        given: Any = self.checkpoints
        whole = isinstance(given, tuple) and all(type(one) is int and one > 0 for one in given) and given
        require(bool(whole) and all(one < next_one for one, next_one in pairwise(given)), rule, given=given)
        good = isinstance(self.threshold, Real) and 0 <= self.threshold <= 1
        require(good, "`threshold` must be in [0, 1].", threshold=self.threshold)
        require_positive_int("agreement", self.agreement)

    def stops(self, probabilities: np.ndarray, lengths: np.ndarray | None = None) -> np.ndarray:
        """The number of the checkpoint at which each case is answered, from 0.

        Args:
            probabilities: `(cases, checkpoints, classes)`, for the first steps of each case; NaN where
                nothing has been measured yet.
            lengths: Steps of each case; a case that has ended is answered. None: as many as the last
                checkpoint.
        """
        sure = self.is_sure(probabilities)
        checkpoints = np.array(self.checkpoints)
        if lengths is not None:
            sure |= checkpoints >= np.asarray(lengths)[:, None]
        sure[:, -1] = True
        return np.asarray(sure.argmax(axis=1))

    def is_sure(self, probabilities: np.ndarray) -> np.ndarray:
        """Whether the likeliest class is likely enough at each checkpoint so far, `(cases, checkpoints)`."""
        return confidence(probabilities, self.agreement) >= self.threshold

    def save(self, path: Path | str, of: str = "") -> None:
        """Write the rule as JSON, with the checksum of the classifier that it belongs to."""
        write_text(Path(path), json.dumps({**asdict(self), "of": of}, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path | str, of: str = "") -> StoppingRule:
        """Read a rule that `save` wrote, with the same checksum.

        Raises:
            ValueError: If the file holds anything else, or the checksum is another.
            FileNotFoundError: If there is no file.
        """
        with damage_of(path, "a stopping rule"):
            require(Path(path).stat().st_size <= _MOST_BYTES, "It must be small.")
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            own = values.pop("of")
            rule = cls(**{**values, "checkpoints": tuple(values["checkpoints"])})
        require(own == of, f"{path} belongs to another classifier: save or export both again.")
        return rule


def confidence(probabilities: np.ndarray, agreement: int) -> np.ndarray:
    """The highest probability at each checkpoint; -1 where one of those before names another class.

    Args:
        probabilities: `(cases, checkpoints, classes)`; NaN names no class.
        agreement: Number of checkpoints in a row that must name the same class.

    Returns:
        `(cases, checkpoints)`.
    """
    named, sure = probabilities.argmax(axis=2), probabilities.max(axis=2).astype(np.float64)
    nothing = np.isnan(sure)
    named[nothing], sure[nothing] = -1, -1.0
    for back in range(1, agreement):
        sure[:, :back] = -1.0
        sure[:, back:][named[:, back:] != named[:, :-back]] = -1.0
    return sure


def harmonic_mean(accuracy: float, earliness: float) -> float:
    """The harmonic mean of accuracy and of the share of a series that was not needed, in [0, 1].

    Args:
        accuracy: Share of right answers.
        earliness: Mean share of the steps after which the answer came; 1 is the whole series.
    """
    spared = 1.0 - earliness
    return 2 * accuracy * spared / (accuracy + spared) if accuracy + spared > 0 else 0.0


def chosen_rule(
    probabilities: np.ndarray, right: np.ndarray, checkpoints: tuple[int, ...], lengths: np.ndarray
) -> tuple[StoppingRule, dict[str, list[float]]]:
    """The rule with the best harmonic mean for unseen cases, and what other thresholds would give.

    Of equal rules the one with the higher accuracy is chosen, then the higher threshold.

    Args:
        probabilities: `(cases, checkpoints, classes)`, of cases that their classifier has not seen.
        right: Number of the right class of each case, `(cases,)`.
        checkpoints: Steps of each checkpoint.
        lengths: Steps of each case.

    Returns:
        The rule, and with its agreement a curve: `threshold`, `accuracy`, `earliness` and `harmonic_mean`.
    """
    hits = probabilities.argmax(axis=2) == right[:, None]
    used = np.minimum(np.array(checkpoints), lengths[:, None]) / lengths[:, None]
    every, best = np.arange(len(right)), ((-1.0, -1.0, -1.0), 1)
    curves: dict[int, list[tuple[float, float, float, float]]] = {}
    for agreement in range(1, min(_MOST_AGREEING, len(checkpoints)) + 1):
        sure = confidence(probabilities, agreement)
        known = sure[sure >= 0]
        if not len(known):  # no series has that many checkpoints in a row with the same class
            break
        curves[agreement] = []
        for threshold in np.unique(np.quantile(known, np.linspace(0, 1, _N_THRESHOLDS))):
            rule = StoppingRule(checkpoints, min(1.0, float(threshold)), agreement)
            stops = rule.stops(probabilities, lengths)
            accuracy, earliness = float(hits[every, stops].mean()), float(used[every, stops].mean())
            mean = harmonic_mean(accuracy, earliness)
            curves[agreement].append((rule.threshold, accuracy, earliness, mean))
            best = max(best, ((mean, accuracy, rule.threshold), agreement))
    (_, _, threshold), agreement = best
    names = ("threshold", "accuracy", "earliness", "harmonic_mean")
    curve = {
        name: list(column) for name, column in zip(names, zip(*curves[agreement], strict=True), strict=True)
    }
    return StoppingRule(checkpoints, threshold, agreement), curve


def spread(n_checkpoints: int, longest: int) -> tuple[int, ...]:
    """Checkpoints at equal distances, the last one at the end of the longest series."""
    good = isinstance(n_checkpoints, Integral) and n_checkpoints > 0
    require(good, "`n_checkpoints` must be a positive integer.", n_checkpoints=n_checkpoints)
    return tuple(sorted({-(-longest * place // n_checkpoints) for place in range(1, n_checkpoints + 1)}))
