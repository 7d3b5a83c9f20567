"""Fake results of benchmarks."""

import numpy as np
import pandas as pd

from mlstm_fcn.benchmark import Result, RunKey

KEY = RunKey("a", "p", 0)


def result(key=KEY, labels=("x", "y", "z"), n=6, seed=0):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(len(labels)), n)
    return Result(key, list(labels), np.arange(n) % len(labels), probabilities, 1.5, 0.25, 1000, {"seed": 0})


def table(accuracies, n_resamples=1):
    """Rows as `Folder.table` has them, from `{estimator: [accuracy on each problem]}`."""
    return pd.DataFrame(
        {"estimator": name, "problem": f"p{i}", "resample": number, "accuracy": accuracy, "fit_seconds": 1.0}
        for name, values in accuracies.items()
        for i, accuracy in enumerate(values)
        for number in range(n_resamples)
        if accuracy is not None
    )
