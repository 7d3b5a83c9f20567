"""Train MLSTM-FCN, save it, load it and predict. Prints the test accuracy."""

import tempfile
from pathlib import Path

from mlstm_fcn import MLSTMFCNClassifier, datasets


def main(n_epochs: int | None = None) -> float:
    """Return the accuracy on the default test split of BasicMotions."""
    motions = datasets.load("BasicMotions")
    classifier = MLSTMFCNClassifier(n_epochs=n_epochs, random_state=0, verbose=1)
    classifier.fit(motions.X_train, motions.y_train)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "motions.mlstm"
        classifier.save(path)
        loaded = MLSTMFCNClassifier.load(path)
    return loaded.score(motions.X_test, motions.y_test)


if __name__ == "__main__":
    print(main())
