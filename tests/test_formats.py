"""The reader of `.ts` files gives what a file holds, and names the place of what it cannot read."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from mlstm_fcn.datasets import read_ts

HEADER = "# a comment\n@problemName It\n@timeStamps false\n@classLabel true Yes no 3\n@data\n"


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "It.ts"
        path.write_text(text)
        return path

    return write


def test_equal_lengths_give_one_array_and_labels_as_spelled(write):
    X, y = read_ts(write(HEADER + "1,2,3:4,5,6:Yes\n\n -1, 2.5 ,3e2:?,NaN,6: no \n"))
    nan = np.nan
    np.testing.assert_array_equal(X, [[[1, 2, 3], [4, 5, 6]], [[-1, 2.5, 300], [nan, nan, 6]]])
    assert X.dtype == np.float64
    assert y.tolist() == ["Yes", "no"]


def test_different_lengths_give_a_list(write):
    X, y = read_ts(write(HEADER + "1,2,3:4,5,6:Yes\n7:8:3\n"))
    assert [case.tolist() for case in X] == [[[1, 2, 3], [4, 5, 6]], [[7], [8]]]
    assert y.tolist() == ["Yes", "3"]


def test_target_label_is_a_number_to_predict(write):
    X, y = read_ts(write("@targetLabel true\n@data\n1,2:0.25\n3,4:-7\n"))
    assert X.shape == (2, 1, 2)
    assert y.dtype == np.float64
    assert y.tolist() == [0.25, -7]


def test_without_labels_the_last_field_is_a_channel(write):
    X, y = read_ts(write("@classLabel false\n@data\n1,2:3,4\n"))
    assert X.shape == (1, 2, 2)
    assert len(y) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2:Yes\n", "line 1: expected a header line that begins with @, or @data. Received: '1,2:Yes'"),
        ("@problemName It\n", "expected a line @data, received none"),
        ("@classLabel maybe\n@data\n", "line 1: expected true or false after @classLabel. Received: 'maybe'"),
        (HEADER, "line 6: expected at least one case after @data"),
        (HEADER + "1,2:yes\n", "line 6: expected a label out of Yes, no, 3 at the end. Received: 'yes'"),
        (
            HEADER + "1,2:Yes\n1,x:Yes\n",
            "line 7: expected numbers separated by commas in channel 1. Received: '1,x'",
        ),
        (HEADER + "1,2:3:Yes\n", "line 6: expected 2 values in channel 2, as in channel 1. Received: 1"),
        (HEADER + "1,2:Yes\n1,2:3,4:Yes\n", "line 7: expected 1 channels"),
        (HEADER + "Yes\n", "line 6: expected at least one channel before the label"),
        ("@timestamps true\n@data\n(0,1)\n", "line 2: expected values without timestamps"),
        ("@targetlabel true\n@data\n1,2:high\n", "line 3: expected a number at the end. Received: 'high'"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(text, message, write):
    with pytest.raises(ValueError, match=r"It\.ts") as error:
        read_ts(write(text))
    assert message in str(error.value)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.ts"):
        read_ts(tmp_path / "none.ts")


SAMPLES = Path(__file__).parent.parent / "datasets" / "samples"


def test_the_samples_on_the_shelf_read_as_their_script_wrote_them(tmp_path):
    spec = importlib.util.spec_from_file_location("generate", SAMPLES / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.HERE = tmp_path
    module.main()
    for path in tmp_path.iterdir():
        assert path.read_text() == (SAMPLES / path.name).read_text()
    X, y = read_ts(SAMPLES / "EqualLength.ts")
    assert X.shape == (8, 2, 20)
    assert y.tolist() == ["slow", "Fast"] * 4
    X, _ = read_ts(SAMPLES / "UnequalLengthMissing.ts")
    assert [case.shape[1] for case in X] == [20, 18, 16, 14, 12, 10, 8, 6]
    assert np.isnan(X[1][0, 3])
