"""Windows are parts of one recording, of one label unless told otherwise."""

import numpy as np
import pandas as pd
import pytest

from mlstm_fcn import datasets

STEPS = np.arange(20.0).reshape(2, 10)


def long_recordings():
    """Two people; the label of each step changes in the first recording."""
    return datasets.Recordings(
        [STEPS, -STEPS[:, :6]],
        [np.array(list("rrrrffffrr")), np.array(list("ffffff"))],
        np.array(["ann", "bob"]),
        np.array(["a", "b"]),
        ("x", "y"),
    )


def test_a_window_has_one_label_and_one_group():
    found = datasets.windows(long_recordings(), size=3, stride=1)
    assert found.starts.tolist() == [0, 1, 4, 5, 0, 1, 2, 3]  # never over steps 3 to 4, or 7 to 8
    assert found.y.tolist() == list("rrffffff")
    assert found.groups.tolist() == ["ann"] * 4 + ["bob"] * 4
    assert found.cases.tolist() == ["a"] * 4 + ["b"] * 4
    for window, case, start in zip(found.X, found.cases, found.starts, strict=True):
        whole = STEPS if case == "a" else -STEPS[:, :6]
        np.testing.assert_array_equal(window, whole[:, start : start + 3])


def test_windows_that_mix_labels_take_the_majority_or_the_last_when_told():
    recordings = long_recordings()
    majority = datasets.windows(recordings, size=5, stride=2, label="majority")
    assert majority.starts.tolist() == [0, 2, 4, 0]
    assert majority.y.tolist() == ["r", "f", "f", "f"]
    last = datasets.windows(recordings, size=5, stride=2, label="last")
    assert last.y.tolist() == ["f", "f", "r", "f"]
    assert datasets.windows(recordings, size=6, stride=4, label="last").y.tolist() == ["f", "r", "f"]


def test_without_a_stride_windows_do_not_overlap():
    found = datasets.windows(STEPS, 4)
    np.testing.assert_array_equal(found.X, [STEPS[:, :4], STEPS[:, 4:8]])
    assert (found.y, found.groups) == (None, None)


def test_arrays_have_their_labels_and_groups_beside():
    X = np.stack([STEPS, -STEPS])
    X_new, y, groups = datasets.windows(X, 5, y=["rest", "fist"], groups=["ann", "bob"])
    assert X_new.shape == (4, 2, 5)
    assert (y.tolist(), groups.tolist()) == (["rest"] * 2 + ["fist"] * 2, ["ann"] * 2 + ["bob"] * 2)
    one = datasets.windows(STEPS, 5, y=[0] * 5 + [1] * 5, groups="ann")
    assert (one.y.tolist(), one.groups.tolist()) == ([0, 1], ["ann", "ann"])
    assert datasets.windows(STEPS, 5, y="rest").y.tolist() == ["rest", "rest"]


def test_masked_values_become_nan():
    masked = np.ma.masked_array(STEPS, mask=STEPS[0, 1] == STEPS)
    expected = datasets.windows(np.where(masked.mask, np.nan, STEPS), 5).X
    assert np.isnan(expected).any()
    np.testing.assert_array_equal(datasets.windows(masked, 5).X, expected)
    np.testing.assert_array_equal(datasets.windows([masked], 5).X, expected)


def test_recordings_that_are_too_short_are_named():
    with pytest.warns(UserWarning, match=r"shorter than 8 steps are left out: 'b'\."):
        found = datasets.windows(long_recordings(), 8, label="last")
    assert found.cases.tolist() == ["a"]


@pytest.mark.parametrize(
    ("recording", "arguments", "message"),
    [
        (STEPS, {"size": 0}, "`size` must be a positive integer"),
        (STEPS, {"size": 2, "stride": 0.5}, "`stride` must be a positive integer"),
        (STEPS, {"size": 11}, r"reduce `size`\. Received: size=11, longest=10"),
        (STEPS, {"size": 2, "label": "first"}, "`label` must be one of 'same', 'majority', 'last'"),
        (STEPS, {"size": 2, "y": [0, 1]}, "a label for each recording, or for each a list"),
        ([STEPS, STEPS], {"size": 2, "y": "ab"}, "a label for each recording, or for each a list"),
        (STEPS[None], {"size": 2, "groups": ["ann", "bob"]}, "one group for each of the 1 recordings"),
        (STEPS[0], {"size": 2}, r"arrays `\(channels, time\)`"),
        ([pd.DataFrame(STEPS)], {"size": 2}, r"arrays `\(channels, time\)`"),
        (pd.DataFrame(STEPS), {"size": 2}, r"arrays `\(channels, time\)`"),
        ([], {"size": 2}, r"arrays `\(channels, time\)`"),
        ([STEPS, STEPS[:1]], {"size": 2}, "the same number of channels"),
        (long_recordings(), {"size": 2, "y": [0, 1]}, "leave out `y` and `groups`"),
        (long_recordings(), {"size": 7}, "with `label='same'` into a stretch of one label"),
    ],
)
def test_what_cannot_be_cut_is_refused(recording, arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.windows(recording, **arguments)


def test_windows_are_not_cut_again():
    with pytest.raises(ValueError, match="cut the recordings themselves"):
        datasets.windows(datasets.windows(STEPS, 4), 2)


def test_windows_keep_the_type_and_are_copies():
    steps = STEPS.astype(np.float32)
    found = datasets.windows(steps, 3, 1)
    assert found.X.dtype == np.float32
    found.X[0] = 0
    assert steps[0, 1] == 1
