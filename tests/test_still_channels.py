"""A channel that was constant in training does not matter, and is warned of when it comes to life."""

import numpy as np
import pytest

from tests import quick_fcn
from tests.quick_fcn import fit

data = quick_fcn.data


@pytest.mark.parametrize("scaling", ["channel", "series", None])
@pytest.mark.parametrize("value", [7.3, 0.0, np.nan])
@pytest.mark.parametrize("scaling_up", [1, 100])
def test_a_channel_that_was_constant_in_training_does_not_matter(scaling, value, scaling_up, data, motions):
    X, y = data[0].copy(), data[1]
    X[:, 2] = value
    with pytest.warns(UserWarning, match=r"ignores channels that are constant or missing.*: \[2\]"):
        classifier = fit((X, y), scaling=scaling)
    still, alive = motions.X_test.copy(), motions.X_test.copy()
    still[:, 2], alive[:, 2] = value, scaling_up * alive[:, 2]
    np.testing.assert_allclose(classifier.predict_proba(alive), classifier.predict_proba(still), atol=1e-6)


def test_a_channel_that_comes_to_life_in_further_training_is_warned_of(data):
    X, y = data[0].copy(), data[1]
    X[:, 2] = 1.0
    with pytest.warns(UserWarning, match="ignores channels"):
        classifier = fit((X, y))
    classifier.partial_fit(X, y)
    for call in (classifier.partial_fit, classifier.fine_tune):
        with pytest.warns(UserWarning, match=r"were constant in the first fit, and vary now: \[2\]"):
            call(*data)
