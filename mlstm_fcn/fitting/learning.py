"""What training is for, learnt from targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlstm_fcn.fitting.task import Classification, Regression, Task


def learned_task(kind: str, y: np.ndarray, classes: Any = None) -> Task:
    """The task of targets.

    Args:
        kind: `"Classification"` or `"Regression"`.
        y: Targets, `(cases,)`.
        classes: All labels that there may be; None: those of `y`.

    Raises:
        ValueError: As of `learn` of the task.
    """
    if kind == "Regression":
        return Regression.learn(y)
    return Classification.learn(y) if classes is None else Classification(np.unique(classes))
