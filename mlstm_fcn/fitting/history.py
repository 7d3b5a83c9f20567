"""The figures of epochs, over the members of a fit."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from mlstm_fcn._warnings import warn
from mlstm_fcn.engine import Precision

History = Mapping[str, list[float]]


def mean_history(histories: Sequence[History]) -> dict[str, list[float]]:
    """Figures of each epoch, means over the members that had the epoch."""
    with_epochs = [history for history in histories if "loss" in history]
    begun = with_epochs or [history for history in histories if history]
    names = dict.fromkeys(name for history in begun for name in history)
    columns = {name: zip_longest(*(history.get(name, ()) for history in begun)) for name in names}
    return {
        name: [statistics.fmean(figure for figure in figures if figure is not None) for figures in column]
        for name, column in columns.items()
    }


def one_after_the_other(first: History, second: History) -> History:
    """The figures of two trainings, one of which continues the other."""
    return {name: [*first.get(name, ()), *second.get(name, ())] for name in {**first, **second}}


def warn_of_divergence(history: History, precision: Precision) -> None:
    """Warn if the last loss is not finite."""
    last = history.get("loss", [0.0])[-1]
    if not math.isfinite(last):
        repair = (
            "`scaling`, or another `precision` than float16"
            if precision == "float16"
            else "A lower `learning_rate`"
        )
        text = f"Training has diverged: its last loss is {last}. {repair} may help."
        warn(text)
