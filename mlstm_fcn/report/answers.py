"""What a classifier answered to labelled series, computed once for a whole page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mlstm_fcn._case_order import require_same_order
from mlstm_fcn._checks import require
from mlstm_fcn.explain.containers import require_network, require_one_answer
from mlstm_fcn.plotting.canvas import short


@dataclass(frozen=True, eq=False)
class Answers:
    """Labelled cases with their probabilities; pictures take it in the place of the classifier.

    Attributes:
        classes_: The classes, in the order of the columns.
        y: True classes, `(cases,)`.
        probabilities: `(cases, classes)`.
    """

    classes_: np.ndarray
    y: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, estimator: Any, X: Any, y: Any) -> Answers:
        """Ask a classifier.

        Raises:
            ValueError: If the estimator is not a classifier of this package, a label is not among its
                classes, or a case has several labels.
            NotFittedError: If the estimator is not fitted.
        """
        task = require_network(estimator, "write_evaluation").task
        require_one_answer(estimator)
        rule = "The page is about a classifier; `write_case` takes a regressor."
        require(task.activation == "softmax", rule, task=type(task).__name__)
        require_same_order(X, y=y)
        y, classes = task.read(y), np.asarray(estimator.classes_)
        unknown = sorted(set(y.tolist()) - set(classes.tolist()))
        require(not unknown, "Every label must be a class of the model.", unknown=unknown)
        return cls(classes, y, np.asarray(estimator.predict_proba(X)))

    @property
    def predicted(self) -> np.ndarray:
        """The predicted classes, `(cases,)`."""
        return self.classes_[self.probabilities.argmax(axis=1)]

    @property
    def confident_errors(self) -> np.ndarray:
        """The cases with a wrong answer, the most probable answer first."""
        wrong = np.flatnonzero(self.predicted != self.y)
        return wrong[np.argsort(-self.probabilities[wrong].max(axis=1), kind="stable")]

    def predict(self, X: Any = None) -> np.ndarray:
        """The predicted classes, whatever X is."""
        return self.predicted

    def predict_proba(self, X: Any = None) -> np.ndarray:
        """The probabilities, whatever X is."""
        return self.probabilities

    def for_pictures(self) -> Answers:
        """The same with labels that fit a picture; numbers stay."""
        if self.classes_.dtype.kind in "iufb":
            return self
        names = short_names(self.classes_.tolist())
        by_label = dict(zip(self.classes_.tolist(), names, strict=True))
        return Answers(
            np.array(names), np.array([by_label[one] for one in self.y.tolist()]), self.probabilities
        )


def short_names(names: list[Any]) -> list[str]:
    """Names of one line and at most 24 characters that still differ."""
    cut = [short(name) for name in names]
    return cut if len(set(cut)) == len(cut) else [short(f"{n}: {name}") for n, name in enumerate(cut)]
