"""Writing gives a whole file or an error, and leaves nothing half-written."""

import numpy as np
import pandas as pd
import pytest

from mlstm_fcn.datasets import read, write


@pytest.mark.parametrize(
    ("name", "X", "y", "message"),
    [
        (
            "It.tsv",
            np.zeros((2, 3, 4)),
            ["a", "b"],
            "A .tsv file can hold only one channel. Received: channels=3",
        ),
        ("It.tsv", [[[1, np.nan]], [[1, 2]]], ["a", "b"], "A series in a .tsv file cannot end with NaN"),
        ("It.ts", np.zeros((2, 1, 4)), ["a", None], "No label may be missing. Received: y=[None]"),
        ("It.tsv", np.zeros((1, 1, 4)), [0.5], "A .tsv file can hold only labels, not regression targets."),
        ("It.arff", np.zeros((1, 1, 4)), [], "A .arff file requires labels."),
        ("It.ts", np.zeros((1, 1, 4)), ["two words"], "must not contain spaces"),
        ("It.ts", np.zeros((1, 1, 4)), ["a", "b"], "`y` must have one label per series, or be empty."),
        ("It.ts", [], [], "X must hold at least one series."),
        ("It.ts", [np.zeros((1, 4)), np.zeros((2, 4))], ["a", "b"], "with the same number of channels"),
        ("It.mat", np.zeros((1, 1, 4)), ["a"], "The file suffix must be one of .ts"),
    ],
)
def test_data_that_a_format_cannot_hold_raise_before_anything_is_written(name, X, y, message, tmp_path):
    with pytest.raises(ValueError, match=r"Received|X must|NaN") as error:
        write(tmp_path / name, X, y)
    assert message in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named_and_not_the_temporary_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"The folder of .*none.it\.ts does not exist"):
        write(tmp_path / "none" / "it.ts", np.zeros((2, 1, 3)), ["a", "b"])


def test_writing_replaces_a_file_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "It.ts"
    write(path, np.ones((2, 1, 3)), ["a", "b"])
    before = path.read_bytes()

    def fail(file, *rest):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr("mlstm_fcn.datasets.formats.arrays.write_npz", fail)
    (tmp_path / "It.npz").write_bytes(before)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "It.npz", np.ones((2, 1, 3)), ["a", "b"])
    assert (tmp_path / "It.npz").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["It.npz", "It.ts"]


def test_masked_values_are_missing_and_frames_are_refused(tmp_path):
    X = np.arange(12.0).reshape(2, 2, 3)
    write(tmp_path / "it.ts", np.ma.masked_array(X, mask=X == 4), ["a", "b"])
    np.testing.assert_array_equal(read(tmp_path / "it.ts")[0], np.where(X == 4, np.nan, X))
    with pytest.raises(ValueError, match=r"must be arrays `\(channels, time\)`: give `frame.to_numpy"):
        write(tmp_path / "other.ts", [pd.DataFrame(case.T) for case in X], ["a", "b"])
    assert not (tmp_path / "other.ts").exists()
