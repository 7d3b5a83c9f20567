"""A fake result of a benchmark."""

import numpy as np

from mlstm_fcn.benchmark import Result, RunKey

KEY = RunKey("a", "p", 0)


def result(key=KEY, labels=("x", "y", "z"), n=6, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(len(labels)), n)
    return Result(key, list(labels), np.arange(n) % len(labels), probabilities, 1.5, 0.25, 1000, {"seed": 0})
