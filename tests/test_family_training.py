"""Every network of the table learns real data."""

import pytest

from mlstm_fcn import NetworkClassifier, datasets, models


@pytest.mark.slow
@pytest.mark.parametrize("name", models.names())
def test_every_network_learns_basic_motions(name):
    motions = datasets.load("BasicMotions")
    classifier = NetworkClassifier(network=name, random_state=0).fit(motions.X_train, motions.y_train)
    assert classifier.score(motions.X_test, motions.y_test) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sk_mlstm_fcn", "se_vgg", "se_inception", "sknet", "efficientnet"])
def test_series_of_different_lengths_are_learnt_too(name):
    """JapaneseVowels has 7 to 26 steps in training; a third of the cases is enough."""
    X, y = datasets.load("JapaneseVowels", "train")
    classifier = NetworkClassifier(network=name, n_epochs=20, random_state=0).fit(X[::3], y[::3])
    assert classifier.score(X[1::3], y[1::3]) >= 0.9
