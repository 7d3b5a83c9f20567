"""Series of two frequencies, and options that make a network of random convolutions small."""

from functools import cache

import numpy as np

SMALL = {"n_thresholds": 336, "max_dilations": 3}


@cache
def problem():
    """Two classes that differ in their frequency, series of different lengths with gaps."""
    rng = np.random.default_rng(0)
    y = np.array(["slow", "fast"] * 15)
    X = []
    for label in y:
        time = np.arange(rng.integers(25, 40))
        wave = np.sin(time * (0.3 if label == "slow" else 0.9) + rng.uniform(0, 6))
        one = np.stack([wave, rng.normal(size=len(time))]) + rng.normal(scale=0.2, size=(2, len(time)))
        one[0, rng.integers(1, len(time) - 1)] = np.nan
        X.append(one)
    return X, y
