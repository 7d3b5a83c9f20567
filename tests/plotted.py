"""A classifier of bumps that is drawn, and what is read off a picture."""

from functools import cache

import numpy as np
from matplotlib.text import Text

from mlstm_fcn import MLSTMFCNClassifier

SMALL = {"filters": (4, 8), "kernel_sizes": (5, 3), "lstm_units": 2, "batch_size": 16, "random_state": 0}


@cache
def problem():
    """The class is the sign of a bump at steps 20 to 24 of the first of three channels."""
    rng = np.random.default_rng(0)
    y = np.where(np.arange(40) % 2, "up", "down")
    X = rng.normal(scale=0.2, size=(40, 3, 40))
    X[:, 0, 20:25] += np.where(y == "up", 2, -2)[:, None]
    return X, y


@cache
def fitted():
    """Also with attention, so that one network has all that is drawn but selective kernels."""
    X, y = problem()
    classifier = MLSTMFCNClassifier(
        **SMALL, n_epochs=20, learning_rate=0.01, attention=True, dilation_rates=(1, 2)
    )
    return classifier.fit(X, y, X_val=X[:8], y_val=y[:8])


def lines_of(ax):
    """The coloured pieces of lines of a series."""
    (found,) = ax.collections
    return found


def text_of(ax):
    return " ".join(text.get_text() for text in ax.figure.findobj(Text))
