"""Is the hybrid recipe more accurate than its parts? Fits on training data alone.

    python benchmarks/hybrid.py BasicMotions Libras study/*_TRAIN.ts > /dev/null

The rule, written down before the first fit: a third of each data set's training cases is held back
(stratified, but no class loses its only case), by seeds 0, 1 and 2, which also seed the fit. At most 200 of
the others are fitted, since small training sets are the question, and at most 1000 held-back cases are
predicted. Series of more than 1300 steps are left out for their time. The hybrid recipe stands if its mean
accuracy over data sets and seeds is at least 0.5 points above the default's. It has two networks of 450
steps, not three of 300 (`three`), if its mean accuracy is not lower and its mean log loss is. Test sets are
not read.

Arguments are names of data sets, or files of training cases. Rows are appended to `hybrid.csv` as they come,
and are not computed again.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, Recipe, datasets

TABLE = Path(__file__).with_suffix(".csv")
SEEDS, MOST, MOST_BACK, LONGEST = (0, 1, 2), 200, 1000, 1300
KEY = ["dataset", "seed", "method"]
THREE = Recipe.named(
    "hybrid",
    n_steps=300,
    n_members=4,
    member_options=({}, {"dilation_scales": 3}, {}, {"network": "multirocket"}),
)
METHODS = {
    "default": lambda seed: MLSTMFCNClassifier(random_state=seed, on_longer="cut"),
    "multirocket": lambda seed: NetworkClassifier(network="multirocket", random_state=seed, on_longer="cut"),
    "hybrid": lambda seed: MLSTMFCNClassifier(recipe="hybrid", random_state=seed, on_longer="cut"),
    "three": lambda seed: MLSTMFCNClassifier(recipe=THREE, random_state=seed, on_longer="cut"),
}


def split(y, seed):
    """Cases to fit and cases held back; classes with a single case stay in what is fitted."""
    names, place, counts = np.unique(y, return_inverse=True, return_counts=True)
    several = np.flatnonzero(counts[place] > 1)
    held = max(len(names), round(len(several) / 3))
    kept, back = train_test_split(several, test_size=held, random_state=seed, stratify=y[several])
    if len(kept) > MOST:
        twice = np.unique(y[kept], return_counts=True)[1].min() > 1
        kept, more = train_test_split(
            kept, train_size=MOST, random_state=seed, stratify=y[kept] if twice else None
        )
        back = np.concatenate([back, more])
    back = np.random.default_rng(seed).permutation(back)[:MOST_BACK]
    return np.union1d(kept, np.flatnonzero(counts[place] == 1)), np.sort(back)


def training_cases(source):
    """Series and labels; None for a set whose series are too long, or whose classes have a case each."""
    X, y = datasets.read(source) if Path(source).exists() else datasets.load(source, "train")
    longest = max(map(len, X)) if isinstance(X, list) else X.shape[2]
    return (X, y) if longest <= LONGEST and len(np.unique(y)) < len(y) else None


def fit(X, y, seed, method):
    """Accuracy and log loss on held-back cases, and how many were fitted and held back."""
    kept, back = split(y, seed)
    some = [[X[case] for case in cases] if isinstance(X, list) else X[cases] for cases in (kept, back)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = METHODS[method](seed).fit(some[0], y[kept])
        shares = model.predict_proba(some[1])
    true = model.classes_ == np.asarray(y[back])[:, None]
    return {
        "accuracy": round(float(true[np.arange(len(back)), shares.argmax(axis=1)].mean()), 5),
        "log_loss": round(float(-np.log(np.maximum((shares * true).sum(axis=1), 1e-7)).mean()), 5),
        "fitted": len(kept),
        "held_back": len(back),
    }


def main(sources):
    """Fit what the table has not, seed by seed, then print the means."""
    done = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=KEY)
    have = set(done[KEY].itertuples(index=False, name=None))
    for seed in SEEDS:
        for source in sources:
            name = Path(source).name.removesuffix("_TRAIN.ts")
            missing = [method for method in METHODS if (name, seed, method) not in have]
            cases = training_cases(source) if missing else None
            for method in missing if cases else ():
                row = {"dataset": name, "seed": seed, "method": method, **fit(*cases, seed, method)}
                pd.DataFrame([row]).to_csv(TABLE, mode="a", header=not TABLE.exists(), index=False)
                print(row, file=sys.stderr, flush=True)
    table = pd.read_csv(TABLE).pivot_table(index=["dataset", "seed"], columns="method", values="accuracy")
    whole = table.dropna()
    print(f"{len(whole)} splits of {whole.index.get_level_values(0).nunique()} data sets", file=sys.stderr)
    print((100 * whole.mean()).round(2).to_string(), file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
