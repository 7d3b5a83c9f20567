"""Use the installed package: train, save, load, export, predict; for `.ci/release.py`."""

import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

import mlstm_fcn
from mlstm_fcn import MLSTMFCNClassifier, datasets, export


def main() -> None:
    """Exit with an error if the installed package does not do what the README shows."""
    home = Path(mlstm_fcn.__file__).resolve()
    assert home.is_relative_to(Path(sys.prefix).resolve()), f"another package is imported: {home}"
    assert mlstm_fcn.__version__ == version("mlstm-fcn")
    command = shutil.which("mlstm-fcn", path=sysconfig.get_path("scripts"))
    assert command, "the command is not installed"
    shown = subprocess.check_output([command, "--version"], text=True)
    assert mlstm_fcn.__version__ in shown, shown

    motions = datasets.load("BasicMotions")
    classifier = MLSTMFCNClassifier(n_epochs=5, random_state=0).fit(motions.X_train, motions.y_train)
    expected = classifier.predict_proba(motions.X_test)
    assert expected.shape == (40, 4), expected.shape
    accuracy = classifier.score(motions.X_test, motions.y_test)
    assert accuracy > 0.4, accuracy  # of four classes
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "motions.keras"
        classifier.save(saved)
        np.testing.assert_allclose(
            MLSTMFCNClassifier.load(saved).predict_proba(motions.X_test), expected, atol=1e-5
        )
        exported = export.load(classifier.export(Path(folder) / "motions"))
        np.testing.assert_allclose(exported.outputs(motions.X_test), expected, atol=1e-4)
    print(f"version {mlstm_fcn.__version__} in {home.parent}: accuracy {accuracy}")


if __name__ == "__main__":
    main()
