"""Make the example of an evaluation report, from simulated motions: python docs/figures/report.py."""

from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("agg")

from mlstm_fcn import MLSTMFCNClassifier
from mlstm_fcn.report import write_evaluation

STEPS, CHANNELS, CASES = 100, 6, 120
PAGE = Path(__file__).with_name("report.html")
CYCLES = {"standing": 0.0, "walking": 3.0, "running": 5.0, "waving": 4.0}  # of a motion in a series


def motions(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Simulated motions of a wrist: series `(cases, channels, time)`, and what they are of.

    Their speeds differ so much from person to person that some fast walkers look like slow runners.
    """
    labels = np.array(list(CYCLES))[np.arange(CASES) % len(CYCLES)]
    time = np.arange(STEPS) / STEPS
    X = rng.normal(scale=0.6, size=(CASES, CHANNELS, STEPS))
    for series, label in zip(X, labels, strict=True):
        cycles = CYCLES[label] * rng.normal(1, 0.18)
        shift = 2 * np.pi * rng.random()
        for channel, weight in enumerate((1.0, 0.7, 0.4, 0.8, 0.3, 0.1)):
            wave = np.sin(2 * np.pi * cycles * time + shift + channel)
            series[channel] += weight * (np.sign(wave) if label == "waving" else wave) * (cycles > 0)
    return X, labels


def main(path: Path = PAGE, n_epochs: int = 20) -> Path:
    """Train on simulated motions, and write the report on others.

    Args:
        path: The page.
        n_epochs: Number of epochs.
    """
    rng = np.random.default_rng(0)
    small = {"filters": (32, 32), "kernel_sizes": (8, 5), "dilation_rates": (2, 4)}
    classifier = MLSTMFCNClassifier(**small, n_epochs=n_epochs, random_state=0).fit(*motions(rng))
    X, y = motions(rng)
    return write_evaluation(classifier, X, y, path, model="MLSTM-FCN", data="simulated motions")


if __name__ == "__main__":
    page = main()
    print(page, page.stat().st_size)
