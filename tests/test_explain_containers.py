"""Series are explained in every container that `predict` takes."""

import numpy as np
import pandas as pd
import pytest
from sktime.datatypes import convert_to

from mlstm_fcn import NetworkClassifier
from mlstm_fcn.explain import occlusion, permutation_importance
from tests import explained
from tests.explained import Weighing

problem = explained.problem


def test_series_of_one_channel_may_have_two_dimensions(rng):
    X, weighing = rng.uniform(0.5, 1, size=(5, 7)), Weighing(rng.uniform(0.06, 0.07, size=(1, 7)))
    expected = occlusion(weighing, X[:, None], size=2)
    assert np.abs(expected).min() > 0
    np.testing.assert_array_equal(occlusion(weighing, X, size=2), expected)


def containers(X):
    """The same series in what `predict` takes."""
    frames = [pd.DataFrame(case.T, columns=["a", "b", "c"]) for case in X]
    yield "lists", [case.tolist() for case in X]
    yield "objects", np.array([*X, None], dtype=object)[:-1]
    yield "frames", frames
    yield "channels in another order", [frame[["c", "a", "b"]] for frame in frames]
    for mtype in ("nested_univ", "pd-multiindex"):
        yield mtype, convert_to(frames, mtype, as_scitype="Panel")


@pytest.mark.usefixtures("uncompiled")
def test_all_containers_that_predict_takes_are_explained(problem):
    X, y = problem
    frames = dict(containers(X))["frames"]
    options = {"filters": (4,), "kernel_sizes": (5,)}
    classifier = NetworkClassifier(network="fcn", network_params=options, n_epochs=1).fit(frames, y)
    seed = {"n_repeats": 1, "random_state": 0, "scoring": "neg_log_loss"}
    fall = occlusion(classifier, X[:3], size=20)
    cost = permutation_importance(classifier, X[:9], y[:9], **seed).importances
    assert np.ptp(fall) > 1e-4
    assert np.ptp(cost) > 1e-4
    for name, some in containers(X[:3]):
        np.testing.assert_allclose(occlusion(classifier, some, size=20), fall, atol=1e-6, err_msg=name)
    for name, some in containers(X[:9]):
        found = permutation_importance(classifier, some, y[:9], **seed).importances
        np.testing.assert_allclose(found, cost, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(occlusion(classifier.fitted_, X[:3], size=20), fall, atol=1e-6)


class Reading(Weighing):
    """Reads data frames alone, whose columns have names."""

    def predict_proba(self, X):
        return super().predict_proba([frame[["a", "b", "c"]].to_numpy().T for frame in X])


def test_another_estimator_gets_frames_where_it_had_frames(rng):
    X, weights = rng.uniform(0.5, 1, size=(3, 3, 7)), rng.uniform(0.04, 0.05, size=(3, 7))
    expected = occlusion(Weighing(weights), X, size=2)
    frames = dict(containers(X))["frames"]
    np.testing.assert_allclose(occlusion(Reading(weights), frames, size=2), expected)
