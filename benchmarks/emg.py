"""Gestures from muscles, by session and by person: the network, random convolutions, and aeon's MiniRocket.

    python benchmarks/emg.py FOLDER

FOLDER is as in `examples/emg.py`, which reads the recordings and divides them: the last person, and the last
session of the others, are not trained on. Each classifier is fitted in a process of its own, so that the most
memory beyond what the windows take and what was there before is its own. Rows are appended to `emg.csv` as
they come, and are not computed again. aeon is in the extra `bench`.
"""

import importlib.util
import multiprocessing
import resource
import sys
from pathlib import Path

import pandas as pd
from sklearn.metrics import balanced_accuracy_score

TABLE = Path(__file__).with_suffix(".csv")
METHODS = ("default", "multirocket", "MiniRocket")
SEED, EPOCHS = 0, 30


def classifier_of(method):
    """A classifier that is not fitted."""
    from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier

    if method == "default":
        return MLSTMFCNClassifier(n_epochs=EPOCHS, class_weight="balanced", random_state=SEED)
    if method == "multirocket":
        return NetworkClassifier(network="multirocket", class_weight="balanced", random_state=SEED)
    from aeon.classification.convolution_based import MiniRocketClassifier

    return MiniRocketClassifier(random_state=SEED, n_jobs=2)


def peak():
    """The most memory of this process so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(folder, method):
    """Append the figures of one classifier."""
    path = Path(__file__).resolve().parent.parent / "examples" / "emg.py"
    spec = importlib.util.spec_from_file_location("emg", path)
    emg = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(emg)
    parts = emg.parts(emg.windows(folder))
    X, y, _ = parts.pop("training")
    before, model = peak(), classifier_of(method)
    model.fit(X, y)
    row = {"method": method, "windows": len(y)}
    row |= {"data_mib": round(X.nbytes / 2**20, 1), "memory_mib": round(peak() - before, 1)}
    for name, (X_test, y_test, _) in parts.items():
        row[name] = round(balanced_accuracy_score(y_test, model.predict(X_test)), 4)
    pd.DataFrame([row]).to_csv(TABLE, mode="a", header=not TABLE.exists(), index=False)
    print(row, file=sys.stderr, flush=True)


def main(folder):
    """Measure what the table has not, then print it."""
    have = set(pd.read_csv(TABLE)["method"]) if TABLE.exists() else set()
    for method in METHODS:
        if method not in have:
            one = multiprocessing.get_context("spawn").Process(target=measure, args=(folder, method))
            one.start()
            one.join()
            if one.exitcode:
                sys.exit(f"{method} failed")
    print(pd.read_csv(TABLE).to_string(index=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
