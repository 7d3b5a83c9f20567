"""Tell wrist gestures from the muscles' signals, of another session and of another person.

The recordings are https://github.com/aljazfrancic/myo-readings-dataset: eight sensors on the forearm, three
sessions a person, a minute for each gesture, in which the gesture and rest (label 0) take turns. Give the
folder with a zip file for each person, or with the unpacked folders `<person>-<session>`:

    python examples/emg.py myo-readings --quick
"""

import argparse
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from mlstm_fcn import MLSTMFCNClassifier, datasets
from mlstm_fcn.datasets import Recordings

CHANNELS = [f"sensor {number}" for number in range(1, 9)]


def read(folder: Path, most: int | None = None) -> Recordings:
    """Recordings of the first `most` people, or of all. Steps have labels; groups are "person/session"."""
    with tempfile.TemporaryDirectory() as unpacked:
        for archive in sorted(folder.glob("*.zip"))[:most]:
            with zipfile.ZipFile(archive) as file:
                file.extractall(unpacked)
        return datasets.read_long(
            unpacked if any(Path(unpacked).iterdir()) else folder,
            names="{person}-{session}/{gesture}.txt",
            header=[*CHANNELS, "label"],
            damaged="skip",  # in some files two lines have run together: a warning has their numbers
            label="label",
            label_per="step",
            group=["person", "session"],
            dtype="float32",
        )


def windows(folder: Path, quick: bool = False) -> Recordings:
    """Windows of a second that hold one gesture each."""
    recordings = read(folder, most=3 if quick else None)
    return datasets.windows(recordings, size=200, stride=400 if quick else 100)


def parts(cut: Recordings) -> dict[str, Recordings]:
    """The last session and the last person apart, and what is left for training."""
    person, session = np.array([group.split("/") for group in cut.groups]).T
    stranger, last = person == person[-1], session == "3"
    splits = {
        "training": ~stranger & ~last,
        "another session": ~stranger & last,
        "another person": stranger,
    }
    return {name: cut.take(chosen) for name, chosen in splits.items()}


def main(folder: Path, n_epochs: int | None = 30, quick: bool = False) -> dict[str, float]:
    """Return the balanced accuracy of the classifier on the last session, and on the last person."""
    cut = windows(folder, quick)
    print(cut)
    divided = parts(cut)
    classifier = MLSTMFCNClassifier(
        n_epochs=5 if quick else n_epochs, class_weight="balanced", random_state=0
    )
    X, y, _ = divided.pop("training")
    classifier.fit(X, y)
    scores = {name: balanced_accuracy_score(y, classifier.predict(X)) for name, (X, y, _) in divided.items()}
    chance = 1 / len(classifier.classes_)
    for name, score in scores.items():
        print(f"{name}: balanced accuracy {score:.3f} ({len(divided[name])} windows; chance {chance:.3f})")
    return scores


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument(
        "--quick", action="store_true", help="three people, a quarter of the windows, 5 epochs"
    )
    arguments = parser.parse_args()
    main(arguments.folder, arguments.epochs, arguments.quick)
