"""A fitted classifier with its stopping rule: answers for whole series, and for series that grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.early.rule import StoppingRule
from mlstm_fcn.explain.containers import opened
from mlstm_fcn.export import manifest
from mlstm_fcn.persistence import SUFFIXES
from mlstm_fcn.preprocess import as_numbers

_PREFIXES_AT_A_TIME = 4096
_RULE = ".early.json"
_SILENT = "A series must hold a value that is not missing up to the last checkpoint."


class Answer(NamedTuple):
    """What an early classifier says, of one case or of several.

    Attributes:
        label: The class, or `(cases,)`.
        steps: Number of steps after which the answer came, or `(cases,)`.
        probabilities: Of all classes, `(classes,)` or `(cases, classes)`.
    """

    label: Any
    steps: Any
    probabilities: np.ndarray


@dataclass(frozen=True, eq=False)
class EarlyModel:
    """Probabilities of the first steps of a series, and when they are sure enough.

    Attributes:
        predict_proba: From series that may differ in length to probabilities `(cases, classes)`.
        rule: When to answer.
        labels: Class labels in the order of the probabilities.
    """

    predict_proba: Callable[[Any], np.ndarray]
    rule: StoppingRule
    labels: np.ndarray

    def answer(self, X: Any) -> Answer:
        """The answer for each case, with as few steps of it as the rule needs.

        Args:
            X: Series in any container that the classifier's `predict` takes. Steps after the last checkpoint
                are not read. Checkpoints before the first value are passed over.

        Raises:
            ValueError: If X does not fit the classifier, or a series has no value up to the last checkpoint.
        """
        cases, as_given = opened(None, X)
        last = self.rule.checkpoints[-1]
        silent = [number for number, case in enumerate(cases) if is_silent(case[:, :last])]
        require(not silent, _SILENT, cases=silent[:5], last_checkpoint=last)
        lengths = np.array([case.shape[1] for case in cases])
        probabilities = prefix_probabilities(self.predict_proba, cases, as_given, self.rule.checkpoints)
        stops, every = self.rule.stops(probabilities, lengths), np.arange(len(cases))
        chosen = probabilities[every, stops]
        steps = np.minimum(np.array(self.rule.checkpoints)[stops], lengths)
        return Answer(self.labels[chosen.argmax(axis=1)], steps, chosen)

    def stream(self) -> Stream:
        """A new series that grows step by step."""
        return Stream(self)


class Stream:
    """A series that grows, and its answer once that is sure enough.

    The answer is that of `EarlyModel.answer` for the same steps. At each checkpoint from the first value on,
    the classifier reads the series so far from its start. Each step cannot have the same cost: the gates of
    squeeze-and-excitation are means over all steps, so each new step changes what the network computes for
    the steps before.

    Args:
        model: The classifier and its rule.
    """

    def __init__(self, model: EarlyModel):
        self._model, self._steps = model, np.empty((0, 0))
        self._seen: list[np.ndarray] = []
        self.answer: Answer | None = None

    @property
    def n_steps(self) -> int:
        """Number of steps so far."""
        return self._steps.shape[1]

    def push(self, values: Any) -> Answer | None:
        """Add a step, or several, and return the answer if there is one by now. An answer stays.

        Args:
            values: `(channels,)`, or `(channels, steps)`; NaN is missing.

        Raises:
            ValueError: If the number of channels changes, a value is infinite (the step is not added), or no
                value has come up to the last checkpoint.
        """
        new = np.array(as_numbers(values), dtype=np.float64)  # a copy: a sensor may fill the same array again
        new = new[:, None] if new.ndim == 1 else new
        rule = "A step must be (channels,), several (channels, steps), always with the same channels."
        known = self._steps.shape[0] if self.n_steps else None
        require(new.ndim == 2 and known in (None, new.shape[0]), rule, shape=new.shape, channels=known)
        require(not np.isinf(new).any(), "Values must be finite; NaN is a missing one.", values=values)
        before = self.n_steps
        self._steps = np.concatenate([self._steps, new], axis=1) if before else new
        for checkpoint in self._model.rule.checkpoints:
            if self.answer is None and before < checkpoint <= self.n_steps:
                self._ask(checkpoint)
        return self.answer

    def finish(self) -> Answer:
        """The series has ended: answer now.

        Raises:
            ValueError: If it has no step, or no value up to the last checkpoint.
        """
        require(self.n_steps > 0, "A series must have a step before it is answered.")
        if self.answer is None:
            n_steps = min(self.n_steps, self._model.rule.checkpoints[-1])
            self._tell(self._probabilities(n_steps), n_steps)
        assert self.answer is not None
        return self.answer

    def _ask(self, checkpoint: int) -> None:
        rule = self._model.rule
        self._seen.append(self._probabilities(checkpoint))
        if rule.is_sure(np.stack(self._seen)[None])[0, -1] or checkpoint == rule.checkpoints[-1]:
            self._tell(self._seen[-1], checkpoint)

    def _probabilities(self, n_steps: int) -> np.ndarray:
        """Of the first steps; padded to the last checkpoint, so that networks are compiled for one shape."""
        if is_silent(self._steps[:, :n_steps]):
            return np.full(len(self._model.labels), np.nan)
        series = np.full((1, len(self._steps), self._model.rule.checkpoints[-1]), np.nan)
        series[0, :, :n_steps] = self._steps[:, :n_steps]
        return np.asarray(self._model.predict_proba(series))[0]

    def _tell(self, probabilities: np.ndarray, n_steps: int) -> None:
        require(not is_silent(self._steps[:, :n_steps]), _SILENT, steps=n_steps)
        self.answer = Answer(self._model.labels[probabilities.argmax()], n_steps, probabilities)


def prefix_probabilities(
    predict_proba: Callable[[Any], np.ndarray],
    cases: list[np.ndarray],
    as_given: Callable[[list[np.ndarray]], Any],
    checkpoints: tuple[int, ...],
) -> np.ndarray:
    """Probabilities after the first steps of each case, `(cases, checkpoints, classes)`.

    They are NaN as long as nothing has been measured.

    Args:
        predict_proba: From a container to probabilities.
        cases: Series `(channels, time)`.
        as_given: Makes series a container.
        checkpoints: Numbers of steps; a case that has ended before is read as a whole.
    """
    at_once, found = max(1, _PREFIXES_AT_A_TIME // len(checkpoints)), []
    for start in range(0, len(cases), at_once):
        some = cases[start : start + at_once]
        prefixes = [case[:, :checkpoint] for case in some for checkpoint in checkpoints]
        told = [not is_silent(prefix) for prefix in prefixes]
        outputs = np.asarray(predict_proba(as_given(list(compress(prefixes, told)))))
        probabilities = np.full((len(prefixes), outputs.shape[1]), np.nan, outputs.dtype)
        probabilities[told] = outputs
        found.append(probabilities.reshape(len(some), len(checkpoints), -1))
    return np.concatenate(found)


def is_silent(steps: np.ndarray) -> bool:
    """Whether nothing has been measured in some steps, `(channels, steps)`."""
    return bool(np.isnan(steps).all())


def load(path: Path | str) -> EarlyModel:
    """Read what `EarlyClassifier.save` or `EarlyClassifier.export` wrote.

    An exported model runs in its own runtime, without Keras or TensorFlow, except a SavedModel.

    Raises:
        ValueError: If a file is damaged or holds something else, or the rule belongs to another classifier.
        FileNotFoundError: If one is missing.
    """
    rule = StoppingRule.load(rule_path(path), of=checksum(path))
    if Path(path).suffix in SUFFIXES:
        from mlstm_fcn.estimators.base import NetworkEstimator

        classifier = NetworkEstimator.load(path)
        return EarlyModel(classifier.predict_proba, rule, classifier.classes_)
    from mlstm_fcn import export

    artifact = export.load(path)
    require(artifact.labels is not None, f"{path} must hold a classifier.")
    return EarlyModel(artifact.outputs, rule, np.array(artifact.labels))


def rule_path(path: Path | str) -> Path:
    """Where the rule of a saved or exported classifier lies."""
    return Path(f"{path}{_RULE}")


def checksum(path: Path | str) -> str:
    """SHA-256 of a saved classifier, or of an exported one's manifest, which has the sums of its files."""
    path = Path(path)
    return manifest.sha256(path if path.suffix in SUFFIXES else manifest.path_of(path))
