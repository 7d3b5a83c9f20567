"""Gestures from muscles, by session and by person: the network, random convolutions, and aeon's MiniRocket.

    python benchmarks/emg.py FOLDER

FOLDER is as in `examples/emg.py`, which reads the recordings and divides them: the last person, and the last
session of the others, are not trained on. Each classifier is fitted in a process of its own. `memory_mib` is
the most memory beyond the windows and what was there before, with the libraries. For the network,
`growth_mib` and `mapped_mib` are beyond what a fit to a few windows has left behind: in memory, and from a
file with its mapped pages (on Linux). Rows are appended to `emg.csv` as they come, and are not computed
again. aeon is in the extra `bench`.
"""

import importlib.util
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from process_memory import growth, in_new_process
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


def of_an_epoch(windows, mapped):
    """Peak memory of an epoch of the network above that of a fit to a few windows, in MiB."""
    from mlstm_fcn import memmap

    memmap.LARGE = 1 << 20 if mapped else memmap.LARGE  # windows are not read at once
    X, y = (np.load(windows / name, mmap_mode="r" if mapped else None) for name in ("X.npy", "y.npy"))
    few = np.r_[np.unique(y, return_index=True)[1], :64]
    network = classifier_of("default").set_params(n_epochs=1)
    return growth(lambda: network.fit(np.array(X[few]), y[few]), lambda: network.fit(X, np.array(y)))


def growths(X, y):
    """Columns of the table."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "X.npy", X)
        np.save(Path(folder) / "y.npy", y)
        columns = {"growth_mib": False, "mapped_mib": True}
        return {
            name: round(in_new_process(of_an_epoch, Path(folder), mapped), 1)
            for name, mapped in columns.items()
        }


def parts_of(folder):
    """Windows as `examples/emg.py` divides them."""
    path = Path(__file__).resolve().parent.parent / "examples" / "emg.py"
    spec = importlib.util.spec_from_file_location("emg", path)
    emg = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(emg)
    return emg.parts(emg.windows(folder))


def measure(folder, method):
    """Append the figures of one classifier."""
    parts = parts_of(folder)
    X, y, _ = parts.pop("training")
    before, model = peak(), classifier_of(method)
    model.fit(X, y)
    row = {"method": method, "windows": len(y)}
    row |= {"data_mib": round(X.nbytes / 2**20, 1), "memory_mib": round(peak() - before, 1)}
    row |= growths(X, y) if method == "default" else {"growth_mib": None, "mapped_mib": None}
    for name, (X_test, y_test, _) in parts.items():
        row[name] = round(balanced_accuracy_score(y_test, model.predict(X_test)), 4)
    pd.DataFrame([row]).to_csv(TABLE, mode="a", header=not TABLE.exists(), index=False)
    print(row, file=sys.stderr, flush=True)


def main(folder):
    """Measure what the table has not, then print it."""
    have = set(pd.read_csv(TABLE)["method"]) if TABLE.exists() else set()
    for method in METHODS:
        if method not in have:
            in_new_process(measure, folder, method)
    print(pd.read_csv(TABLE).to_string(index=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
