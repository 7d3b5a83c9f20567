"""Series whose class is the sign of a bump."""

import numpy as np


def bumps(n_cases, n_channels, noise):
    """The sign of a bump at steps 20 to 24 of the first channel is the class, 0 or 1; 40 steps."""
    rng = np.random.default_rng(0)
    y = np.arange(n_cases) % 2
    X = rng.normal(scale=noise, size=(n_cases, n_channels, 40))
    X[:, 0, 20:25] += np.where(y, 2, -2)[:, None]
    return X, y
