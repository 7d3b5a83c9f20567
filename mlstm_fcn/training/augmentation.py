"""Augmentation: the series of a gradient step, changed at random in ways that keep their classes.

Every change respects lengths: what is beyond the end of a series stays there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.training.dataset import Dataset

Change = Callable[[np.ndarray, np.ndarray, float, np.random.Generator], np.ndarray]


def augmented(examples: Dataset, augmentation: Mapping[str, float], rng: np.random.Generator) -> Dataset:
    """Some cases as one gradient step sees them.

    Args:
        examples: The cases, in memory, as the network reads them: scaled, nothing missing, perhaps a mask.
        augmentation: Strengths by names of `CHANGES` or `MIXTURES`; they are applied in this order.
        rng: Decides what is random.

    Returns:
        As many cases, with new series; where cases are mixed, with new targets and weights too.
    """
    series, *masks = examples.inputs
    mask = masks[0] if masks else np.ones(series.shape[:2], dtype=bool)
    targets, weights = examples.targets, examples.sample_weight
    for name, strength in augmentation.items():
        if name in CHANGES:
            series = CHANGES[name](series, mask.sum(axis=1), strength, rng)
        else:
            partners = _partners(weights, rng)
            series, mask, kept = MIXTURES[name](series, mask, partners, strength, rng)
            targets, weights = _mixed(targets, weights, partners, kept)
    inputs = [series.astype(np.float32), *([mask] if masks else [])]
    return Dataset(inputs, targets.astype(np.float32), weights.astype(np.float32))


def _partners(weights, rng):
    """For each case another one to mix it with; those without weight are as if they were not there."""
    partners, present = np.arange(len(weights)), np.flatnonzero(weights)
    partners[present] = rng.permutation(present)
    return partners


def _mixed(targets, weights, partners, kept):
    """Targets and weights of cases of which a share is kept, and the rest is their partner's."""
    own, other = kept * weights, (1 - kept) * weights[partners]
    whole = own + other
    share = np.divide(own, whole, out=np.ones_like(own), where=whole > 0)[:, None]
    return share * targets + (1 - share) * targets[partners], whole


def require_augmentation(augmentation: object) -> None:
    """Check names and strengths.

    Raises:
        ValueError: If one is unknown, or out of its range.
    """
    rule = "`augmentation` must be a dictionary of strengths by name."
    require(isinstance(augmentation, Mapping), rule, augmentation=augmentation)
    for name, strength in dict(augmentation).items():  # type: ignore[call-overload]
        require_choice("augmentation", name, [*CHANGES, *MIXTURES])
        rule = "A strength in `augmentation` must be positive, and below 1 but for jitter and mixtures."
        free = name == "jitter" or name in MIXTURES
        require(strength > 0 and (free or strength < 1), rule, **{name: strength})


def _jitter(series, lengths, strength, rng):
    """Gaussian noise on every value."""
    return series + rng.normal(0, strength, series.shape)


def _scale(series, lengths, strength, rng):
    """A factor around 1 on every channel."""
    return series * rng.normal(1, strength, (len(series), 1, series.shape[2]))


def _drop_channels(series, lengths, strength, rng):
    """Zero, which with scaling by channel is the mean, for whole channels; one is always kept."""
    kept = rng.random((len(series), series.shape[2])) >= strength
    kept[np.arange(len(series)), rng.integers(series.shape[2], size=len(series))] = True
    return series * kept[:, None, :]


def _shift(series, lengths, strength, rng):
    """Earlier or later by up to a share of the length; the ends are held."""
    shift = rng.uniform(-strength, strength, len(series)) * lengths
    return _read_at(series, np.arange(series.shape[1]) + np.round(shift)[:, None], lengths)


def _crop(series, lengths, strength, rng):
    """A window that leaves out up to a share of the length, stretched to all (Le Guennec et al. 2016)."""
    share = 1 - rng.uniform(0, strength, len(series))
    start = rng.random(len(series)) * (1 - share) * (lengths - 1)
    return _read_at(series, start[:, None] + share[:, None] * np.arange(series.shape[1]), lengths)


def _warp(series, lengths, strength, rng):
    """Faster in one part and slower in another: time runs along a random smooth curve (Um et al. 2017)."""
    time = np.arange(series.shape[1]) / np.maximum(lengths - 1, 1)[:, None]
    amplitude = (
        rng.uniform(-strength, strength, (len(series), 1)) / np.pi
    )  # so small that time never turns back
    turns = rng.integers(1, 3, (len(series), 1))
    warped = time + amplitude / turns * np.sin(np.pi * turns * time)
    return _read_at(series, warped * (lengths - 1)[:, None], lengths)


def _read_at(series, places, lengths):
    """Series at places between their steps, `(cases, time)`, by linear interpolation; the ends are held."""
    last = (lengths - 1)[:, None]
    places = np.clip(places, 0, last)
    before = np.floor(places).astype(int)
    after = np.minimum(before + 1, last)
    share = (places - before)[..., None]
    cases = np.arange(len(series))[:, None]
    return series[cases, before] * (1 - share) + series[cases, after] * share


def _mixup(series, mask, partners, strength, rng):
    """Weighted means of two cases and of their targets (Zhang et al. 2018), weights from Beta(a, a)."""
    kept = rng.beta(strength, strength, len(series))
    series, share = np.where(mask[..., None], series, 0), kept[:, None, None]
    return share * series + (1 - share) * series[partners], mask | mask[partners], kept


def _cutmix(series, mask, partners, strength, rng):
    """A stretch of one case in another, and as much of its target (Yun et al. 2019)."""
    lengths = mask.sum(axis=1)
    common = np.minimum(lengths, lengths[partners])
    width = np.round(rng.beta(strength, strength, len(series)) * common)
    start = np.floor(rng.random(len(series)) * (common - width + 1))[:, None]
    steps = np.arange(series.shape[1])
    inside = (steps >= start) & (steps < start + width[:, None])
    return np.where(inside[..., None], series[partners], series), mask, 1 - width / lengths


CHANGES: dict[str, Change] = {
    "jitter": _jitter,
    "scale": _scale,
    "channel_dropout": _drop_channels,
    "shift": _shift,
    "crop": _crop,
    "warp": _warp,
}
MIXTURES = {"mixup": _mixup, "cutmix": _cutmix}
