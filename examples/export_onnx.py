"""Train, export to ONNX, and predict with onnxruntime."""

import tempfile
from pathlib import Path

import numpy as np

from mlstm_fcn import MLSTMFCNClassifier, datasets, export


def main(n_epochs: int | None = None) -> float:
    """Return the accuracy of the exported model on the test set."""
    motions = datasets.load("BasicMotions")
    classifier = MLSTMFCNClassifier(n_epochs=n_epochs, random_state=0)
    classifier.fit(motions.X_train, motions.y_train)
    with tempfile.TemporaryDirectory() as folder:
        path = classifier.export(Path(folder) / "motions.onnx", X=motions.X_test, data="BasicMotions")
        artifact = export.load(path)  # reads the manifest, and verifies the files
        probabilities = artifact.outputs(motions.X_test)
        print(f"{path.stat().st_size / 1e6:.1f} MB, {artifact.about['check']}")
    predicted = np.array(artifact.labels)[probabilities.argmax(axis=1)]
    accuracy = float(np.mean(predicted == motions.y_test))
    print(f"accuracy with onnxruntime: {accuracy:.4f}")
    return accuracy


if __name__ == "__main__":
    main()
