"""How much each member of an ensemble counts: equally, or by what it predicts of unseen cases."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from mlstm_fcn.fitting.rng import RngSpec
from mlstm_fcn.fitting.task import Task
from mlstm_fcn.models.ensemble import shares
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.recipes import Recipe

_POWER = 4  # of accuracy, as in HIVE-COTE
_N_PARTS = 3  # of the training cases, of which one is not seen by the last network


def judged_cases(
    recipe: Recipe, kinds: Sequence[str], data: Dataset, task: Task, rng: RngSpec
) -> np.ndarray | None:
    """The training cases, a third, that tell what each way to train is worth; None if members vote equally.

    Each way predicts them without having seen any of them, so all are judged with equally few training cases.
    A single network that is trained by gradient would have to be trained twice, so it votes equally.
    """
    if recipe.vote != "worth" or kinds.count("gradient") < 2:
        return None
    classes = data.targets.argmax(axis=1) if task.stratified else np.zeros(len(data), int)
    cases = a_third_of_each(classes, rng.generator())
    return cases if len(cases) else None


def leave_out(kinds: Sequence[str], judged: np.ndarray | None) -> list[bool]:
    """Whether each member leaves out the judged cases: the last one that is trained by gradient does.

    The others see all. Members that are solved in closed form know what they would predict without them.
    """
    last = None if judged is None else max(number for number, kind in enumerate(kinds) if kind == "gradient")
    return [number == last for number in range(len(kinds))]


def kept_shares(network: keras.Model, n_members: int) -> list[float] | None:
    """The shares of the first members of a fitted ensemble; None for equal shares.

    Further training keeps them: members may have seen any of its cases, so it cannot estimate them again.
    """
    before = (shares(network) or ())[:n_members]
    return [share / sum(before) for share in before] if sum(before) > 0 else None


def a_third_of_each(classes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """About a third of the cases of each class, but none of a class of one case.

    Args:
        classes: Number of the class of each case, `(cases,)`.
        rng: Decides which, and whether the third is rounded up or down.

    Returns:
        The indices of the cases, sorted.
    """
    chosen = [np.zeros(0, int)]
    for number in np.unique(classes):
        own = rng.permutation(np.flatnonzero(classes == number))
        if len(own) > 1:
            part = (rng.integers(_N_PARTS) + np.arange(len(own))) % _N_PARTS
            chosen.append(own[part == 0])
    return np.sort(np.concatenate(chosen))


def worths(
    kinds: Sequence[str], unseen: Sequence[np.ndarray | None], data: Dataset, task: Task
) -> list[float] | None:
    """The share of each member in the vote.

    Members that are trained in the same way count equally. Each way counts by the fourth power of its
    accuracy on cases that one of its members has not seen; of numbers, and of several labels a case, by that
    of its share of explained variance.

    Args:
        kinds: How each member is trained.
        unseen: Outputs of each member for the judged cases, `(cases, outputs)`, NaN for the other training
            cases; None of members that have seen the judged ones.
        data: The training cases.
        task: What for.

    Returns:
        Shares with sum 1; None, for equal shares, if a way has not predicted a judged case of positive
        weight, or no way predicts better than nothing.

    References:
        Lines, Taylor, Bagnall: HIVE-COTE, ACM TKDD 12(5), 2018, section 3.4: weights by estimated accuracy;
        Large, Lines, Bagnall: A probabilistic classifier ensemble weighting scheme based on cross-validated
        accuracy estimates, DMKD 33, 2019: its fourth power.
    """
    worth = {}
    for kind in dict.fromkeys(kinds):
        own = [values for other, values in zip(kinds, unseen, strict=True) if other == kind]
        known = [values for values in own if values is not None]
        if not known:
            return None
        stacked = np.stack(known)
        there = ~np.isnan(stacked[:, :, 0]).all(axis=0) & (data.sample_weight > 0)
        if not there.any():
            return None
        outputs = np.nanmean(stacked[:, there], axis=0)
        worth[kind] = _score(outputs, data.targets[there], data.sample_weight[there], task) ** _POWER
    each = np.array([worth[kind] / kinds.count(kind) for kind in kinds])
    return (each / each.sum()).tolist() if each.sum() > 0 else None


def _score(outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray, task: Task) -> float:
    if task.activation == "softmax":
        return float(np.average(outputs.argmax(axis=1) == targets.argmax(axis=1), weights=weights))
    error = np.average(np.square(outputs - targets), weights=weights, axis=0).sum()
    spread = np.average(
        np.square(targets - np.average(targets, weights=weights, axis=0)), weights=weights, axis=0
    ).sum()
    return max(0.0, 1.0 - float(error / spread)) if spread > 0 else 0.0
