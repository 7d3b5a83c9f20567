"""A warning names the line of the user's code, whatever stands between it and the package."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from mlstm_fcn import datasets, trust
from tests.quick_fcn import small

SERIES = np.random.default_rng(0).normal(size=(12, 2, 9))
STILL = SERIES * [[1], [0]]
LABELS = np.array(["a", "b"] * 6)
SHUFFLED = pd.Series(LABELS)[::-1]
GAPS = pd.DataFrame({"case": 1, "time": [0, 1, 2, 9, 10], "value": 0.5})

IGNORED, ORDER = "The network ignores channels", "`y` has a shuffled index"
CALLS = {
    "fit": (IGNORED, lambda: small(n_epochs=1).fit(STILL, LABELS)),
    "partial_fit": (IGNORED, lambda: small().partial_fit(STILL, LABELS)),
    "a pipeline": (IGNORED, lambda: make_pipeline(small(n_epochs=1)).fit(STILL, LABELS)),
    "a search": (
        IGNORED,
        lambda: GridSearchCV(small(n_epochs=1), {"batch_size": [8]}, cv=2).fit(STILL, LABELS),
    ),
    "targets": (ORDER, lambda: small(n_epochs=1).fit(SERIES, SHUFFLED)),
    "calibrate": (ORDER, lambda: trust.calibrate(small(n_epochs=1).fit(SERIES, LABELS), SERIES, SHUFFLED)),
    "predict": ("are cut to 9", lambda: of_one_length().fit(SERIES, LABELS).predict(np.tile(SERIES, 2))),
    "from_long": ("gaps", lambda: datasets.from_long(GAPS, case="case", time="time")),
}


def of_one_length():
    return small(n_epochs=1, network="mlp", network_params=None)


@pytest.mark.parametrize(("message", "call"), CALLS.values(), ids=CALLS)
def test_a_warning_names_the_line_of_the_caller(message, call):
    with pytest.warns(UserWarning, match=message) as found:
        call()
    own = [one for one in found if one.category is UserWarning]
    assert {(one.filename, one.lineno) for one in own} == {(__file__, call.__code__.co_firstlineno)}
