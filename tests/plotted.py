"""A classifier of bumps that is drawn, and what is read off a picture."""

from functools import cache

import numpy as np
import pytest
from matplotlib.text import Text

from mlstm_fcn import MLSTMFCNClassifier
from tests.bumps import bumps

SMALL = {"filters": (4, 8), "kernel_sizes": (5, 3), "lstm_units": 2, "batch_size": 16, "random_state": 0}


@cache
def labelled_bumps():
    X, y = bumps(40, 3, noise=0.2)
    return X, np.where(y, "up", "down")


@cache
def classifier():
    """Also with attention, so that one network has all that is drawn but selective kernels."""
    X, y = labelled_bumps()
    network = MLSTMFCNClassifier(
        **SMALL, n_epochs=20, learning_rate=0.01, attention=True, dilation_rates=(1, 2)
    )
    return network.fit(X, y, X_val=X[:8], y_val=y[:8])


@pytest.fixture(scope="module")
def problem():
    return labelled_bumps()


@pytest.fixture(scope="module")
def fitted():
    return classifier()


def lines_of(ax):
    """The coloured pieces of lines of a series."""
    (found,) = ax.collections
    return found


def text_of(ax):
    return " ".join(text.get_text() for text in ax.figure.findobj(Text))
