"""Series with what is known of each: its label, its group, its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.datasets.formats import Series

_MOST_NAMED = 5


@dataclass(frozen=True, repr=False, eq=False)
class Recordings:
    """Series with their labels, groups and names. `X, y, groups = recordings` takes the first three.

    Attributes:
        X: Series, `(cases, channels, time)`, or a list of arrays `(channels, time)` if lengths differ.
        y: Label of each case, `(cases,)`; with a label for each step a list of arrays `(time,)`; None if
            there are no labels.
        groups: Group of each case, `(cases,)`, for example the person; None if there are no groups.
        cases: Name of each case, `(cases,)`; of a window, the name of its recording.
        channels: Names of the channels.
        starts: Of windows, the step of the recording at which each starts, from 0; else None.
    """

    X: Series
    y: Any
    groups: np.ndarray | None
    cases: np.ndarray
    channels: tuple[Any, ...]
    starts: np.ndarray | None = None

    def __iter__(self) -> Iterator[Any]:
        return iter((self.X, self.y, self.groups))

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        lengths = {case.shape[-1] for case in self.X}
        steps = f"{min(lengths)} to {max(lengths)}" if len(lengths) > 1 else "".join(map(str, lengths))
        found = [f"{len(self)} cases", f"{len(self.channels)} channels", f"{steps or 'no'} steps"]
        if self.y is not None:
            labels = self.y if isinstance(self.y, np.ndarray) else np.concatenate([*self.y, []])
            found.append(f"{len(np.unique(labels))} labels{' of steps' if self.labels_steps else ''}")
        if self.groups is not None:
            found.append(f"{len(np.unique(self.groups))} groups")
        return f"Recordings({', '.join(found)})"

    @property
    def labels_steps(self) -> bool:
        """Whether each step has a label, and not each case."""
        return isinstance(self.y, list)

    def take(self, cases: Any) -> Recordings:
        """Some of the cases, by their numbers or by a condition.

        Args:
            cases: Numbers of cases from 0, or a bool for each case, for example `recordings.groups == "ann"`.

        Raises:
            ValueError: If it is neither.
        """
        chosen = np.asarray(cases)
        if chosen.size == 0 and chosen.dtype != bool:
            chosen = chosen.astype(np.int64)
        good = chosen.ndim == 1 and (chosen.dtype.kind in "iu" or chosen.shape == (len(self),))
        rule = f"`cases` must be numbers of cases, or a bool for each of the {len(self)} cases."
        require(bool(good and chosen.dtype.kind in "iub"), rule, cases=cases)
        numbers = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        within = bool(((numbers >= -len(self)) & (numbers < len(self))).all())
        require(within, f"`cases` must be numbers of cases, below {len(self)}.", cases=cases)

        def some(of: Any) -> Any:
            return [of[number] for number in numbers.tolist()] if isinstance(of, list) else of[numbers]

        optional = {
            name: None if of is None else some(of)
            for name, of in (("y", self.y), ("groups", self.groups), ("starts", self.starts))
        }
        return Recordings(X=some(self.X), cases=self.cases[numbers], channels=self.channels, **optional)


def listed(names: Any) -> str:
    """The first of some names, and how many more there are."""
    return first_of([repr(name) for name in np.asarray(names).tolist()])


def first_of(texts: list[str]) -> str:
    """The first of some texts, and how many more there are."""
    more = len(texts) - _MOST_NAMED
    return ", ".join(texts[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def array_if_equal(series: list[np.ndarray]) -> Series:
    """Series as one array if their lengths are equal, else as they are."""
    return np.stack(series) if len({one.shape for one in series}) == 1 else series
