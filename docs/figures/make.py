"""Make the figures of the README and of the gallery, from BasicMotions: python docs/figures/make.py."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pandas as pd
from PIL import Image

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, datasets, plotting

CHANNELS = ("acceleration x", "acceleration y", "acceleration z", "roll", "pitch", "yaw")
CASE = 39
FIRST = 22  # steps, after which the classifier still errs
COLOURS = {"explain": 40}  # of a file; 16 in the others, which keeps them small
DOTS = {"explain": 108}  # per inch; 95 in the others


def main(folder: Path = Path(__file__).parent, n_epochs: int = 15) -> list[Path]:
    """Draw all figures and return their files.

    Args:
        folder: Where they are written.
        n_epochs: Number of epochs of the classifier that is explained.
    """
    motions = datasets.load("BasicMotions")
    X, X_test = (
        [pd.DataFrame(case.T, columns=CHANNELS) for case in part]
        for part in (motions.X_train, motions.X_test)
    )
    y, y_test = motions.y_train, motions.y_test
    common = {"n_epochs": n_epochs, "random_state": 0}
    small = {"filters": (32, 32), "kernel_sizes": (8, 5), "dilation_rates": (2, 4)}
    classifier = MLSTMFCNClassifier(**common).fit(X, y, X_val=X_test, y_val=y_test)
    attending = MLSTMFCNClassifier(**small, **common, attention=True).fit(X, y)
    selective = NetworkClassifier(network="sk_mlstm_fcn", network_params=small, **common).fit(X, y)
    begun = [frame[:FIRST] for frame in X_test]
    drawn = {
        "explain": lambda: plotting.explain(classifier, X_test[CASE]),
        "learning_curves": lambda: plotting.learning_curves(classifier),
        "gates": lambda: plotting.gates(classifier, X_test, y_test),
        "kernel_shares": lambda: plotting.kernel_shares(selective, X_test, y_test),
        "attention": lambda: plotting.attention(attending, X_test),
        "permutation_importance": lambda: plotting.permutation_importance(
            classifier, X_test, y_test, random_state=0
        ),
        "accuracy_by_length": lambda: plotting.accuracy_by_length(classifier, X_test, y_test),
        "confusion_matrix": lambda: plotting.confusion_matrix(classifier, begun, y_test),
        "calibration": lambda: plotting.calibration(classifier, begun, y_test, n_bins=6),
        "network": lambda: plotting.network(classifier),
    }
    dark = {"learning_curves"}
    return [
        _drawn(folder / f"{name}.png", draw, "dark_background" if name in dark else "default")
        for name, draw in drawn.items()
    ]


def _drawn(path: Path, draw: Callable[[], Any], style: str) -> Path:
    """Draw with one of matplotlib's styles, and write the figure in few colours."""
    with plt.style.context(style), io.BytesIO() as file:
        draw()
        plt.savefig(file, dpi=DOTS.get(path.stem, 95))
        plt.close("all")
        picture = Image.open(file).convert("RGB")
        picture.quantize(COLOURS.get(path.stem, 16), dither=Image.Dither.NONE).save(path, optimize=True)
    return path


if __name__ == "__main__":
    for path in main():
        print(path, path.stat().st_size)
