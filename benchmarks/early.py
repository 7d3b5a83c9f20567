"""Early classification beside aeon's TEASER: accuracy, share of the steps that were read, harmonic mean.

    python benchmarks/early.py

Each classifier is fitted to the archive's training cases with SEEDS, at 20 checkpoints, and answers the test
cases once. The default network has 20 epochs, since there are 20 times as many series. No option was chosen
for these data sets. Rows are appended to `early.csv` as they come, and are not computed again. aeon is in the
extra `bench`; MLSTM_FCN_DATA has the data sets.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from mlstm_fcn import MLSTMFCNClassifier, datasets
from mlstm_fcn.early import EarlyClassifier, harmonic_mean

TABLE = Path(__file__).with_suffix(".csv")
DATASETS, SEEDS, CHECKPOINTS = ("CBF", "BasicMotions", "ECG200"), (0, 1, 2), 20


def of_this_package(data, seed):
    """Accuracy and mean share of the steps."""
    classifier = MLSTMFCNClassifier(n_epochs=20, random_state=seed)
    early = EarlyClassifier(classifier, n_checkpoints=CHECKPOINTS, random_state=seed)
    answer = early.fit(data.X_train, data.y_train).answer(data.X_test)
    return (answer.label == data.y_test).mean(), (answer.steps / data.X_test.shape[2]).mean()


def of_teaser(data, seed):
    """Accuracy and mean share of the steps, of aeon's TEASER with its own defaults."""
    from aeon.classification.early_classification import TEASER

    teaser = TEASER(random_state=seed).fit(data.X_train.astype(np.float64), data.y_train)
    _, accuracy, earliness = teaser.score(data.X_test.astype(np.float64), data.y_test)
    return accuracy, earliness


METHODS = {"default": of_this_package, "TEASER": of_teaser}


def main():
    """Fit what the table has not, then print mean and spread over the seeds."""
    done = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=["dataset", "seed", "method"])
    have = set(done[["dataset", "seed", "method"]].itertuples(index=False, name=None))
    for seed in SEEDS:
        for name in DATASETS:
            data = datasets.load(name)
            for method, measure in METHODS.items():
                if (name, seed, method) in have:
                    continue
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    accuracy, earliness = map(float, measure(data, seed))
                row = {"dataset": name, "seed": seed, "method": method, "accuracy": accuracy}
                row |= {"earliness": earliness, "harmonic_mean": harmonic_mean(accuracy, earliness)}
                pd.DataFrame([row]).round(4).to_csv(TABLE, mode="a", header=not TABLE.exists(), index=False)
                print(row, file=sys.stderr, flush=True)
    figures = ["accuracy", "earliness", "harmonic_mean"]
    of_seeds = pd.read_csv(TABLE).groupby(["dataset", "method"])[figures]
    print(of_seeds.agg(["mean", "std"]).round(3).to_string())


if __name__ == "__main__":
    main()
