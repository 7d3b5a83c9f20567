"""Synthetic problems with a known solution, each of which tests one mechanism of a network.

`KINDS` lists them. Every series is noise of standard deviation 1 plus one signal that determines the class.
A classifier without the mechanism for that signal has chance accuracy.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlstm_fcn._checks import require, require_choice, require_positive_int
from mlstm_fcn.datasets.formats import Series
from mlstm_fcn.datasets.problem import Problem

Generator = Callable[[np.ndarray, int, int, np.random.Generator], Series]
_STRENGTH = 3.0  # standard deviations of the noise


def make(
    kind: str,
    *,
    n_train: int = 64,
    n_test: int = 64,
    length: int = 64,
    scale: int = 8,
    random_state: int | None = None,
) -> Problem:
    """Make a balanced problem of two classes.

    Args:
        kind: The signal that determines the class:

            * `"pattern"`: a pattern of `scale` steps at a random position in one channel, one half up and the
              other down. The class is which half comes first. The distribution of values is the same in both.
            * `"order"`: a bump up and a bump down, each `scale` steps long, one in each half of the series.
              The class is which comes first. Statistics that ignore time are the same in both, up to noise.
            * `"interaction"`: a step up or down in each of two channels. The class is whether both have the
              same direction. Neither channel alone is informative.
            * `"length"`: noise only. Series of one class have `length / 2` to `3 * length / 4` steps, series
              of the other class more, up to `length`.
        n_train: Number of training cases.
        n_test: Number of test cases.
        length: Length of the series; for `"length"`, of the longest one.
        scale: Length of the pattern, at most `length / 4`.
        random_state: Seed.

    Returns:
        A problem with the labels `"no"` and `"yes"`. The best possible accuracy is 1, or too close to 1 for a
        sample to show a difference.

    Raises:
        ValueError: If the kind is unknown, or a size is out of range.
    """
    require_choice("kind", kind, KINDS)
    for name, value in {"n_train": n_train, "n_test": n_test, "length": length, "scale": scale}.items():
        require_positive_int(name, value)
    require(
        min(n_train, n_test) >= 2,
        "Each split must have at least 2 cases.",
        n_train=n_train,
        n_test=n_test,
    )
    require(
        2 <= scale <= length // 4,
        "`scale` must be at least 2 and at most `length / 4`.",
        scale=scale,
        length=length,
    )
    random = np.random.default_rng(random_state)

    def part(cases: int) -> tuple[Series, np.ndarray]:
        yes = random.permutation(np.arange(cases) % 2 == 1)
        return KINDS[kind](yes, length, scale, random), np.where(yes, "yes", "no")

    return Problem(kind, *part(n_train), *part(n_test))


def _pattern(yes: np.ndarray, length: int, scale: int, random: np.random.Generator) -> np.ndarray:
    X = random.standard_normal((len(yes), 1, length))
    for case, start in enumerate(random.integers(0, length - scale + 1, len(yes))):
        half = start + scale // 2
        sign = _STRENGTH if yes[case] else -_STRENGTH
        X[case, 0, start:half] += sign
        X[case, 0, half : start + scale // 2 * 2] -= sign
    return X


def _order(yes: np.ndarray, length: int, scale: int, random: np.random.Generator) -> np.ndarray:
    X = random.standard_normal((len(yes), 1, length))
    half = length // 2
    for case, starts in enumerate(random.integers(0, half - scale + 1, (len(yes), 2))):
        sign = _STRENGTH if yes[case] else -_STRENGTH
        X[case, 0, starts[0] : starts[0] + scale] += sign
        X[case, 0, half + starts[1] : half + starts[1] + scale] -= sign
    return X


def _interaction(yes: np.ndarray, length: int, scale: int, random: np.random.Generator) -> np.ndarray:
    X = random.standard_normal((len(yes), 2, length))
    first = random.permutation(np.arange(len(yes)) % 4 < 2) * 2.0 - 1.0
    second = np.where(yes, first, -first)
    X[:, :, length // 2 :] += _STRENGTH * np.stack([first, second], axis=1)[..., None]
    return X


def _length(yes: np.ndarray, length: int, scale: int, random: np.random.Generator) -> list[np.ndarray]:
    short, middle = length // 2, length * 3 // 4
    lengths = np.where(
        yes, random.integers(middle + 1, length + 1, len(yes)), random.integers(short, middle + 1, len(yes))
    )
    return [random.standard_normal((1, steps)) for steps in lengths.tolist()]


KINDS: dict[str, Generator] = {
    "pattern": _pattern,
    "order": _order,
    "interaction": _interaction,
    "length": _length,
}
"""The kinds of problems by name."""
