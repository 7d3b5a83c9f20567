"""Every network of the table learns real data."""

import pytest

from mlstm_fcn import NetworkClassifier, datasets, models

# The same motion begins anywhere in a series, which a perceptron of steps cannot know from 40 cases: 0.75 in
# cross-validation on the training set, whatever its dropout, epochs and scaling. Of maxima over time: 0.95.
OPTIONS = {"mlp": {"head": "max"}}


@pytest.mark.slow
@pytest.mark.parametrize("name", models.names())
def test_every_network_learns_basic_motions(name):
    motions = datasets.load("BasicMotions")
    options = {"network": name, "network_params": OPTIONS.get(name), "n_epochs": 60}
    classifier = NetworkClassifier(**options, random_state=0)
    classifier.fit(motions.X_train, motions.y_train)
    assert classifier.score(motions.X_test, motions.y_test) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sk_mlstm_fcn", "se_vgg", "se_inception", "sknet", "efficientnet"])
def test_series_of_different_lengths_are_learnt_too(name):
    """JapaneseVowels has 7 to 26 steps in training; half of the cases is enough."""
    X, y = datasets.load("JapaneseVowels", "train")
    classifier = NetworkClassifier(network=name, n_epochs=30, on_longer="cut", random_state=0)
    classifier.fit(X[::2], y[::2])
    assert classifier.score(X[1::2], y[1::2]) >= 0.8  # of nine classes
