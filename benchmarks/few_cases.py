"""Is a third of few training cases worth leaving out? Votes of the hybrid recipe, on training data alone.

    python benchmarks/few_cases.py BasicMotions Libras study/*_TRAIN.ts

The rule, written down before the first fit: 20, 40 or 80 cases of each set are fitted (stratified, at least
two of each class, no longer than 500 steps), and at least as many others, at most 500, are predicted; seeds 0
and 1. Compared with votes by worth (`worth`) are votes of members that have all seen all cases: each way to
train counts equally (`ways`), or each member (`members`). The better of the two at 20 cases replaces `worth`
for up to as many cases as it is 0.3 points more accurate with a lower log loss, there and at all smaller
sizes (means over sets of means over seeds). Test sets are not read. It did not replace it in the end, see
docs/recipe.md.

Arguments are names of data sets, or files of training cases. Rows are appended to `few_cases.csv` as they
come, and are not computed again.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from mlstm_fcn import MLSTMFCNClassifier, datasets
from mlstm_fcn.models.ensemble import shares
from mlstm_fcn.training.recipes import HYBRID

TABLE = Path(__file__).with_suffix(".csv")
SEEDS, SIZES, MOST_BACK, LONGEST = (0, 1), (20, 40, 80), 500, 500
KEY = ["dataset", "n", "seed"]


def split(y, n, seed):
    """Cases to fit and cases held back; None for a set with too few cases for it."""
    names, counts = np.unique(y, return_counts=True)
    kept = np.flatnonzero(np.isin(y, names[counts >= 4]))
    if 2 * len(names) > n or len(kept) < 2 * n:
        return None
    some, back = train_test_split(np.arange(len(kept)), train_size=n, random_state=seed, stratify=y[kept])
    counts = np.unique(y[kept][some], return_counts=True)[1]
    if len(counts) < len(np.unique(y[kept])) or counts.min() < 2:
        return None
    return kept[some], kept[np.random.default_rng(seed).permutation(back)[:MOST_BACK]]


def votes(X, y, back, seed):
    """Probabilities of the held-back cases by each vote, and the shares by worth."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        recipes = "hybrid", HYBRID.but(vote="mean")
        by_worth, equal = (
            MLSTMFCNClassifier(recipe=recipe, random_state=seed, on_longer="cut").fit(X, y)
            for recipe in recipes
        )
        networks, random = by_member(equal.fitted_, back)
        found = {"worth": by_worth.predict_proba(back), "members": equal.predict_proba(back)}
    found |= {"ways": networks / 2 + random / 2, "nets": networks, "rocket": random}
    return found, by_worth.classes_, [round(one, 3) for one in shares(by_worth.fitted_.network) or ()]


def by_member(fitted, X):
    """Mean probabilities of the two networks, and those of random convolutions."""
    from mlstm_fcn import engine
    from mlstm_fcn.models.pipeline import compose

    batch = fitted.inputs.read(X)
    models = [compose(fitted.preprocessor, member.network) for member in fitted.members]
    first, second, random = (engine.current().predict(model, batch)[0] for model in models)
    return (first + second) / 2, random


def main(sources):
    """Fit what the table has not."""
    done = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=KEY)
    have = set(done[KEY].itertuples(index=False, name=None))
    for seed, n, source in ((seed, n, source) for seed in SEEDS for n in SIZES for source in sources):
        name = Path(source).name.removesuffix("_TRAIN.ts")
        if (name, n, seed) in have:
            continue
        X, y = datasets.read(source) if Path(source).exists() else datasets.load(source, "train")
        cases = None if isinstance(X, list) or X.shape[2] > LONGEST else split(y, n, seed)
        if cases is None:
            continue
        some, back = cases
        found, classes, by_worth = votes(X[some], y[some], X[back], seed)
        true = classes == y[back][:, None]
        rows = [
            {
                **dict(zip(KEY, (name, n, seed), strict=True)),
                "vote": vote,
                "accuracy": round(float(true[np.arange(len(back)), likely.argmax(axis=1)].mean()), 5),
                "log_loss": round(float(-np.log(np.maximum((likely * true).sum(axis=1), 1e-7)).mean()), 5),
                "shares": str(by_worth) if vote == "worth" else "",
            }
            for vote, likely in found.items()
        ]
        pd.DataFrame(rows).to_csv(TABLE, mode="a", header=not TABLE.exists(), index=False)
        print(name, n, seed, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
