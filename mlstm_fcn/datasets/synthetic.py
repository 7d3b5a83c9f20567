"""Problems whose answer is known, to see whether a network has the mechanism that solves them.

Each is a value of `KINDS`. All series are noise of standard deviation 1 with something in it that tells the
class; nothing else does, so a classifier without the mechanism is right by chance alone.
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
    """Make a problem of two classes, as many cases of each.

    Args:
        kind: What tells the class:

            * `"pattern"`: one channel holds somewhere `scale` steps, of which one half is up and the other
              down; which half comes first is the class. Without order the values are the same.
            * `"order"`: a bump up and a bump down, each of `scale` steps, one of them in each half of the
              series; which comes first is the class. Up to noise, every statistic that forgets time is the
              same.
            * `"interaction"`: two channels hold a step each, up or down; the class is whether both go the
              same way. Either channel alone says nothing.
            * `"length"`: noise alone; series of one class have between half of `length` and three quarters of
              it, those of the other more, up to `length`.
        n_train: Training cases.
        n_test: Test cases.
        length: Steps of a series; of the longest for `"length"`.
        scale: Steps of a pattern, at most a quarter of `length`.
        random_state: Seed.

    Returns:
        A problem with the labels `"no"` and `"yes"`. The best accuracy that can be had is 1, or so near to it
        that a sample will not show the difference.

    Raises:
        ValueError: If there is no such kind, or a size does not fit.
    """
    require_choice("kind", kind, KINDS)
    for name, value in {"n_train": n_train, "n_test": n_test, "length": length, "scale": scale}.items():
        require_positive_int(name, value)
    require(
        min(n_train, n_test) >= 2, "Each part must have two cases or more.", n_train=n_train, n_test=n_test
    )
    require(
        2 <= scale <= length // 4,
        "`scale` must be at least 2 and at most length / 4.",
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
