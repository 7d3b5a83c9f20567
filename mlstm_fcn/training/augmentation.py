"""Augmentation: random transforms of the series in a batch that preserve their classes.

Every transform respects lengths: padding stays padding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.training.dataset import Dataset

Mixed = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Series, masks, and the share of each case that is kept."""

Change = Callable[[np.ndarray, np.ndarray, float, np.random.Generator], np.ndarray]


def augmented(examples: Dataset, augmentation: Mapping[str, float], rng: np.random.Generator) -> Dataset:
    """Augment one batch.

    Args:
        examples: The batch, in memory, as network inputs: scaled, nothing missing, perhaps with a mask.
        augmentation: Strengths by names of `CHANGES` or `MIXTURES`, applied in this order.
        rng: The random generator.

    Returns:
        A batch of the same size with new series. Mixtures also change targets and weights.
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


def _partners(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random partner for each case. Cases of weight zero are not mixed."""
    partners, present = np.arange(len(weights)), np.flatnonzero(weights)
    partners[present] = rng.permutation(present)
    return partners


def _mixed(
    targets: np.ndarray, weights: np.ndarray, partners: np.ndarray, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Targets and weights of mixed cases: a share `kept` of their own, the rest of their partner's."""
    own, other = kept * weights, (1 - kept) * weights[partners]
    whole = own + other
    share = np.divide(own, whole, out=np.ones_like(own), where=whole > 0)[:, None]
    return share * targets + (1 - share) * targets[partners], whole


def require_augmentation(augmentation: object) -> None:
    """Check names and strengths.

    Raises:
        ValueError: If a name is unknown or a strength is out of range.
    """
    rule = "`augmentation` must be a dictionary from names to strengths."
    require(isinstance(augmentation, Mapping), rule, augmentation=augmentation)
    for name, strength in dict(augmentation).items():  # type: ignore[call-overload]
        require_choice("augmentation", name, [*CHANGES, *MIXTURES])
        bounded = name != "jitter" and name not in MIXTURES
        rule = "`augmentation` strengths must be positive; only jitter, mixup and cutmix may be 1 or more."
        require(strength > 0 and (strength < 1 or not bounded), rule, **{name: strength})


def _jitter(series: np.ndarray, lengths: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise to every value."""
    return series + rng.normal(0, strength, series.shape)


def _scale(series: np.ndarray, lengths: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Multiply every channel by a random factor around 1."""
    return series * rng.normal(1, strength, (len(series), 1, series.shape[2]))


def _drop_channels(
    series: np.ndarray, lengths: np.ndarray, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """Set whole channels to zero, which is their mean after scaling. At least one channel is kept."""
    kept = rng.random((len(series), series.shape[2])) >= strength
    kept[np.arange(len(series)), rng.integers(series.shape[2], size=len(series))] = True
    return series * kept[:, None, :]


def _shift(series: np.ndarray, lengths: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Shift by up to a share of the length, earlier or later. The first or last value is repeated."""
    shift = rng.uniform(-strength, strength, len(series)) * lengths
    return _interpolate(series, np.arange(series.shape[1]) + np.round(shift)[:, None], lengths)


def _crop(series: np.ndarray, lengths: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Cut out up to a share of the length, and stretch the rest to full length (Le Guennec et al. 2016)."""
    share = 1 - rng.uniform(0, strength, len(series))
    start = rng.random(len(series)) * (1 - share) * (lengths - 1)
    return _interpolate(series, start[:, None] + share[:, None] * np.arange(series.shape[1]), lengths)


def _warp(series: np.ndarray, lengths: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Warp time along a random smooth curve (Um et al. 2017)."""
    time = np.arange(series.shape[1]) / np.maximum(lengths - 1, 1)[:, None]
    amplitude = (
        rng.uniform(-strength, strength, (len(series), 1)) / np.pi
    )  # small enough that time stays monotonic
    n_waves = rng.integers(1, 3, (len(series), 1))
    warped = time + amplitude / n_waves * np.sin(np.pi * n_waves * time)
    return _interpolate(series, warped * (lengths - 1)[:, None], lengths)


def _interpolate(series: np.ndarray, times: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Linear interpolation at fractional times `(cases, time)`. Times beyond the ends read the end values."""
    last = (lengths - 1)[:, None]
    times = np.clip(times, 0, last)
    before = np.floor(times).astype(int)
    after = np.minimum(before + 1, last)
    share = (times - before)[..., None]
    cases = np.arange(len(series))[:, None]
    return series[cases, before] * (1 - share) + series[cases, after] * share


def _mixup(
    series: np.ndarray, mask: np.ndarray, partners: np.ndarray, strength: float, rng: np.random.Generator
) -> Mixed:
    """Weighted mean of two cases and of their targets, with weights from Beta(a, a) (Zhang et al. 2018)."""
    kept = rng.beta(strength, strength, len(series))
    series, share = np.where(mask[..., None], series, 0), kept[:, None, None]
    return share * series + (1 - share) * series[partners], mask | mask[partners], kept


def _cutmix(
    series: np.ndarray, mask: np.ndarray, partners: np.ndarray, strength: float, rng: np.random.Generator
) -> Mixed:
    """Paste a segment of one case into another, and mix the targets in proportion (Yun et al. 2019)."""
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
