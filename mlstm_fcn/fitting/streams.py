"""What training asks of cases that come from a loader, one batch after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.fitting.task import Task
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.recipes import Recipe


def encoder(
    task: Task, targets: np.ndarray, class_weights: np.ndarray
) -> Callable[[Any, Any], tuple[np.ndarray, np.ndarray]]:
    """What turns targets and weights of a batch into those of training.

    Args:
        task: What for.
        targets: Those of all cases as training reads them, `(cases, outputs)`.
        class_weights: The weight that each of these cases has by its class.

    Raises:
        ValueError: What is returned does so if a batch has a class that none of all cases has.
    """
    known = targets.sum(axis=0) > 0
    of_class = (targets * class_weights[:, None]).sum(axis=0) / np.maximum(targets.sum(axis=0), 1)

    def encoded(y: Any, weights: Any) -> tuple[np.ndarray, np.ndarray]:
        batch = task.encode(task.read(y))
        new = batch[:, ~known].any(axis=1) & task.stratified
        require(
            not new.any(), "The sample must contain every class that the loader gives.", y=y[new][:1].tolist()
        )
        of_cases = batch @ of_class if task.stratified else np.ones(len(batch))
        return batch, (of_cases if weights is None else of_cases * weights).astype(np.float32)

    return encoded


def require_order(data: Dataset, recipe: Recipe, kinds: Sequence[str], checkpoint: Path | None) -> None:
    """Raise if a fit to cases that come in the order of a loader needs to choose among them.

    Args:
        data: Training cases.
        recipe: How to train.
        kinds: How each member is trained.
        checkpoint: A file that keeps the state, or None.

    Raises:
        ValueError: If so.
    """
    if data.encode is None:
        return
    rule = "Random convolutions are solved from cases in memory: give arrays, not a loader."
    require("ridge" not in kinds, rule)
    rule = "`vote='worth'` leaves out cases of each member: give arrays, not a loader, or use another recipe."
    require(recipe.vote != "worth" or len(kinds) == 1, rule)
    require(not checkpoint, "A `checkpoint` knows cases by their order: give arrays, not a loader.")
