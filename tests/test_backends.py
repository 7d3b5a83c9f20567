"""The package runs on Keras' other backends: the same calls, in a process of their own."""

import importlib.util
import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys
import keras, numpy as np
from mlstm_fcn import MLSTMFCNClassifier, Recipe, datasets, explain

assert keras.config.backend() == sys.argv[1]
motions = datasets.load("BasicMotions")
holes = motions.X_train.copy()
holes[:, 1, 30:40] = np.nan
for attention in (False, True):
    classifier = MLSTMFCNClassifier(
        n_epochs=20, random_state=0, attention=attention, validation_split=0.2, patience=15
    )
    classifier.fit(holes, motions.y_train)
    assert classifier.score(motions.X_test, motions.y_test) > 0.9
    mixed = [motions.X_test[0], motions.X_test[20, :, :60]]
    alone = [classifier.predict_proba([case])[0] for case in mixed]
    np.testing.assert_allclose(classifier.predict_proba(mixed), alone, atol=1e-5)
    classifier.save(sys.argv[2])
    loaded = MLSTMFCNClassifier.load(sys.argv[2])
    np.testing.assert_allclose(loaded.predict_proba(mixed), alone, atol=1e-5)

# Attributions add up to the difference of logits, here of those of two classes.
first, mean = motions.X_test[:2], np.nanmean(holes, axis=(0, 2))[:, None]
labels = classifier.classes_[[0, 3]]
found = [explain.integrated_gradients(classifier, first, label=label, n_steps=60) for label in labels]
likely = [np.log(classifier.predict_proba(X)) for X in (first, np.tile(mean, (2, 1, 100)))]
expected = (likely[0] - likely[1])[:, 0] - (likely[0] - likely[1])[:, 3]
received, bound = (found[0] - found[1]).sum(axis=(1, 2)), 0.05 * np.abs(expected).max()
np.testing.assert_allclose(received, expected, atol=bound)
voting = MLSTMFCNClassifier(
    n_epochs=20,
    random_state=0,
    n_members=2,
    recipe=Recipe(augmentation={"crop": 0.1, "mixup": 0.2}, average_weights=0.5),
)
assert voting.fit([holes[0, :, :70], *holes[1:]], motions.y_train)
assert voting.score(motions.X_test, motions.y_test) > 0.9

# A loss is that of all cases, though they are read 256 at a time, and the last ones are of one class.
order = np.argsort(np.tile(motions.y_test, 8), kind="stable")
many = {"X_val": np.tile(motions.X_test, (8, 1, 1))[order], "y_val": np.tile(motions.y_test, 8)[order]}
validated = MLSTMFCNClassifier(n_epochs=2, recipe=Recipe(label_smoothing=0.0), random_state=0)
validated.fit(motions.X_train, motions.y_train, **many)
of_class = np.searchsorted(validated.classes_, many["y_val"])
expected = -np.log(validated.predict_proba(many["X_val"])[np.arange(320), of_class]).mean()
np.testing.assert_allclose(validated.history_["val_loss"][-1], expected, rtol=1e-3)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_backend(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed: pip install 'mlstm-fcn[{backend}]'")
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(
        [sys.executable, "-c", SCRIPT, backend, str(tmp_path / "it.keras")],
        env=environment,
        check=True,
        timeout=280,
    )
