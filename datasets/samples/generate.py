"""Write the sample files in this folder, one per file format. The data are random with a fixed seed."""

from pathlib import Path

import numpy as np

from mlstm_fcn.datasets import write

HERE = Path(__file__).parent


def main() -> None:
    """Write series of two channels and two classes: a slow and a fast sine with noise."""
    rng = np.random.default_rng(0)
    labels = ["slow", "Fast"] * 4
    cases = [
        np.sin(np.arange(20) * (1.5 if label == "Fast" else 0.4) + rng.normal(size=(2, 1)))
        + rng.normal(scale=0.1, size=(2, 20))
        for label in labels
    ]
    cases = [case.round(4) for case in cases]
    write(HERE / "EqualLength.ts", cases, labels)
    write(HERE / "Relational.arff", cases, labels)
    shorter = [case[:, : 20 - 2 * number] for number, case in enumerate(cases)]
    shorter[1][0, 3] = np.nan
    write(HERE / "UnequalLengthMissing.ts", shorter, labels)
    write(HERE / "OneChannel.tsv", [case[:1] for case in shorter], labels)


if __name__ == "__main__":
    main()
