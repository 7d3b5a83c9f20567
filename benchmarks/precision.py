"""Does training in bfloat16 cost accuracy? Fits on training data alone, in both precisions.

    python benchmarks/precision.py BasicMotions Libras ... > /dev/null

The rule, written down before the first fit: a third of each data set's training cases is held back
(stratified, but no class loses its only case), by seeds 0, 1 and 2, which also seed the fit. The default
recipe is fitted to the rest in float32 and in bfloat16. `precision="auto"` takes bfloat16 where a device is
faster with it if the mean difference over the data sets is not below -0.3 points of accuracy, and no data set
loses more than its standard deviation over the seeds in float32, or than one held-back case, whichever is
larger. Test sets are not read.

In the rows of `precision.csv` bfloat16 covers the first convolution too; since then that one is float32,
because it reads series as they are. Explicit bfloat16 is compared, also where `"auto"` takes float32 (masks).

Rows are appended to `precision.csv` as they come, and are not computed again. On a CPU without bfloat16
arithmetic the fits take long, and end in the same accuracies but for rounding.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from mlstm_fcn import Engine, MLSTMFCNClassifier, datasets

TABLE = Path(__file__).with_suffix(".csv")
PRECISIONS, SEEDS = ("float32", "bfloat16"), (0, 1, 2)
KEY = ["dataset", "seed", "precision"]


def split(y, seed):
    """Cases to fit and cases held back; classes with a single case stay in what is fitted."""
    names, place, counts = np.unique(y, return_inverse=True, return_counts=True)
    several = np.flatnonzero(counts[place] > 1)
    held = max(len(names), round(len(several) / 3))
    kept, back = train_test_split(several, test_size=held, random_state=seed, stratify=y[several])
    return np.union1d(kept, np.flatnonzero(counts[place] == 1)), back


def fit(name, seed, precision):
    """One row of the table."""
    X, y = datasets.load(name, "train")
    kept, back = split(y, seed)
    some = [[X[case] for case in cases] if isinstance(X, list) else X[cases] for cases in (kept, back)]
    classifier = MLSTMFCNClassifier(random_state=seed, engine=Engine(precision=precision), on_longer="cut")
    accuracy = classifier.fit(some[0], y[kept]).score(some[1], y[back])
    row = {"dataset": name, "seed": seed, "precision": precision, "accuracy": round(accuracy, 5)}
    return {**row, "held_back": len(back), "loss": round(classifier.history_["loss"][-1], 5)}


def main(names):
    """Fit what the table has not, then print the differences."""
    done = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=KEY)
    have = set(done[KEY].itertuples(index=False, name=None))
    for name in names:
        for seed in SEEDS:
            for precision in PRECISIONS:
                if (name, seed, precision) not in have:
                    row = pd.DataFrame([fit(name, seed, precision)])
                    row.to_csv(TABLE, mode="a", header=not TABLE.exists(), index=False)
    table = pd.read_csv(TABLE).pivot_table(index=["dataset", "seed"], columns="precision", values="accuracy")
    difference = 100 * (table["bfloat16"] - table["float32"])
    by_set = difference.groupby("dataset").mean()
    print(by_set.round(2).to_string())
    print(f"mean {by_set.mean():.2f}, standard error {by_set.sem():.2f} points, {len(by_set)} data sets")


if __name__ == "__main__":
    main(sys.argv[1:])
