"""How well `trust.unlikeness` tells series of another kind: python benchmarks/unlikeness.py [seeds].

Fits MLSTM-FCN to three quarters of the training cases of two sets that sktime has; the last quarter is held
back. Compares the test cases with shifted ones: channels in another order, backwards, noise as large as the
series, and series of the other set, brought to the channels' means and spreads. Prints the share of each
above 1, the area under the ROC curve against the test cases, and the same area for the probability of the
answer, and writes unlikeness.csv.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from mlstm_fcn import MLSTMFCNClassifier, datasets, trust

SETS = ("BasicMotions", "JapaneseVowels")


def values_of(cases: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel."""
    every = np.concatenate(list(cases), axis=1)
    return every.mean(axis=1, keepdims=True), every.std(axis=1, keepdims=True)


def shifts(X: list[np.ndarray], other: list[np.ndarray], rng: np.random.Generator) -> dict[str, list]:
    """Series of another kind, by what is other about them."""
    mean, std = values_of(X)
    own_mean, own_std = values_of(other)
    order, steps = np.roll(np.arange(len(mean)), len(mean) // 2), max(case.shape[1] for case in X)
    places = np.arange(len(mean)) % len(own_mean)
    foreign = [((case - own_mean) / own_std)[places, :steps] * std + mean for case in other]
    return {
        "channels in another order": [case[order] for case in X],
        "played backwards": [case[:, ::-1].copy() for case in X],
        "noise added": [case + std * rng.normal(size=case.shape) for case in X],
        "series of the other set": foreign,
    }


def measure(name: str, other: str, seed: int) -> list[dict]:
    """A row for each shift, and one for the test cases themselves."""
    problem, rng = datasets.load(name), np.random.default_rng(seed)
    places = np.arange(len(problem.y_train))
    rest, held = train_test_split(places, test_size=0.25, stratify=problem.y_train, random_state=seed)
    X, X_held = ([problem.X_train[case] for case in part] for part in (rest, held))
    classifier = MLSTMFCNClassifier(random_state=seed, on_longer="cut").fit(X, problem.y_train[rest])
    classifier = trust.remember(classifier, X, X_held)
    test = list(problem.X_test)
    kinds = {"test cases": test, **shifts(test, list(datasets.load(other).X_test), rng)}
    usual, sure = trust.unlikeness(classifier, test), classifier.predict_proba(test).max(axis=1)
    rows = []
    for kind, cases in kinds.items():
        far, given = trust.unlikeness(classifier, cases), classifier.predict_proba(cases).max(axis=1)
        shifted = np.repeat([0, 1], [len(test), len(cases)])
        row = {"set": name, "series": kind, "above 1": np.mean(far > 1)}
        row["AUROC"] = roc_auc_score(shifted, np.concatenate([usual, far]))
        row["AUROC of the probability"] = roc_auc_score(shifted, -np.concatenate([sure, given]))
        rows.append(row)
    return rows


if __name__ == "__main__":
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    pairs = list(zip(SETS, SETS[::-1], strict=True))
    rows = [row for pair in pairs for seed in range(n_seeds) for row in measure(*pair, seed)]
    table = pd.DataFrame(rows).groupby(["set", "series"], sort=False).mean()
    table.round(3).to_csv(Path(__file__).with_suffix(".csv"))
    print(table.round(2).to_string())
