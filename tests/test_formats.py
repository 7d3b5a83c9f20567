"""The readers return the content of a file, and report the position of an error."""

import importlib.util
import pickle
from pathlib import Path

import numpy as np
import pytest

from mlstm_fcn.datasets import FormatError, read

HEADER = "# a comment\n@problemName It\n@timeStamps false\n@classLabel true Yes no 3\n@data\n"
ARFF = (
    "@relation 'It'\n@attribute bag relational\n@attribute t0 numeric\n@end bag\n"
    "@attribute y {Yes,no}\n@data\n"
)


TWO_STEPS = "@attribute a numeric\n@attribute b numeric\n"


@pytest.fixture
def file(tmp_path):
    def file(text, name="It.ts"):
        path = tmp_path / name
        path.write_bytes(text.encode())
        return path

    return file


def test_equal_lengths_give_one_array_and_labels_as_spelled(file):
    X, y = read(file(HEADER + "1,2,3:4,5,6:Yes\n\n -1, 2.5 ,3e2:?,NaN,6: no \n"))
    nan = np.nan
    np.testing.assert_array_equal(X, [[[1, 2, 3], [4, 5, 6]], [[-1, 2.5, 300], [nan, nan, 6]]])
    assert X.dtype == np.float64
    assert y.tolist() == ["Yes", "no"]


def test_of_a_line_without_a_value_one_missing_step_is_left(file):
    """NaN at the end is padding in the files of the UCR archive."""
    X, y = read(file("a\tNaN\tNaN\tNaN\nb\t1\tNaN\t3\n", "It.tsv"))
    assert [case.shape for case in X] == [(1, 1), (1, 3)]
    assert np.isnan(X[0]).all()
    np.testing.assert_array_equal(X[1], [[1, np.nan, 3]])
    assert y.tolist() == ["a", "b"]


def test_different_lengths_give_a_list(file):
    X, y = read(file(HEADER + "1,2,3:4,5,6:Yes\n7:8:3\n"))
    assert [case.tolist() for case in X] == [[[1, 2, 3], [4, 5, 6]], [[7], [8]]]
    assert y.tolist() == ["Yes", "3"]


def test_the_type_of_the_values_is_a_choice(file):
    X, _ = read(file(HEADER + "0.1,2:Yes\n"), dtype="float32")
    assert X.dtype == np.float32
    assert X[0, 0, 0] == np.float32(0.1)
    with pytest.raises(ValueError, match="`dtype` must be one of 'float32', 'float64'"):
        read(file(HEADER + "1,2:Yes\n"), dtype="float16")


def test_target_label_is_a_number_to_predict(file):
    X, y = read(file("@targetLabel true\n@data\n1,2:0.25\n3,4:-7\n"))
    assert X.tolist() == [[[1, 2]], [[3, 4]]]
    assert y.dtype == np.float64
    assert y.tolist() == [0.25, -7]


def test_without_labels_the_last_field_is_a_channel(file):
    X, y = read(file("@classLabel false\n@data\n1,2:3,4\n"))
    assert X.tolist() == [[[1, 2], [3, 4]]]
    assert len(y) == 0


@pytest.mark.parametrize(
    "header",
    [
        "@CLASSLABEL TRUE Banana Finance\n@DATA\n",
        "%# about\n\n@univariate true\n@missing false\n@seriesLength 99\n@dimensions 7\n"
        "@problemname a\n@problemName b\n@classlabel true  Banana   Finance\n@data\n",
        "# caf\xe9\n@timestamps False\n@classLabel true Banana Finance\r\n@data\r\n",
    ],
)
def test_headers_vary_and_their_sizes_are_not_trusted(header, file):
    X, y = read(file(header + "1,2:Banana\n# between\n3,-1.5e-3:Finance\r\n"))
    np.testing.assert_array_equal(X, [[[1, 2]], [[3, -1.5e-3]]])
    assert y.tolist() == ["Banana", "Finance"]


@pytest.mark.parametrize("stamps", [("0", "1"), ("2007-01-01 00:00:00", "2007-01-02 13:30:05")])
def test_timestamps_are_left_out_and_values_kept_whole(stamps, file):
    first, second = stamps
    line = f"({first},-1.5e-3),({second},2):({first},7),({second},?):Yes\n"
    X, y = read(file(HEADER.replace("@timeStamps false", "@timeStamps true") + line))
    np.testing.assert_array_equal(X, [[[-1.5e-3, 2], [7, np.nan]]])
    assert y.tolist() == ["Yes"]


def test_relational_arff(file):
    lines = "'1,2,3\\n4,5,?',Yes\n\"7,8,9\\n1,2,3\", no\n"
    X, y = read(file(ARFF + lines, "It.arff"))
    np.testing.assert_array_equal(X, [[[1, 2, 3], [4, 5, np.nan]], [[7, 8, 9], [1, 2, 3]]])
    assert y.tolist() == ["Yes", "no"]


def test_flat_arff_is_univariate(file):
    header = "@RELATION it\n@attribute t0 real\n@attribute 't 1' numeric\n@attribute target {1,'2'}\n@DATA\n"
    X, y = read(file(header + "% comment\n0.5,?,1\n1,2,'2'\n", "It.arff"))
    np.testing.assert_array_equal(X, [[[0.5, np.nan]], [[1, 2]]])
    assert y.tolist() == ["1", "2"]


@pytest.mark.parametrize("choices", ["{a,'b, c'}", "{a, 'b, c'}", '{ "b, c" , a }'])
def test_a_label_in_quotes_may_hold_a_comma(choices, file):
    flat = f"@attribute t0 real\n@attribute t1 real\n@attribute y {choices}\n@data\n"
    relational = ARFF.replace("{Yes,no}", choices)
    assert relational != ARFF
    for text in (flat + "1,2,'b, c'\n3,4,a\n", relational + "'1,2,3\\n4,5,6','b, c'\n'1,2,3\\n4,5,6',a\n"):
        assert read(file(text, "It.arff"))[1].tolist() == ["b, c", "a"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("It.tsv", "-1\t0.5\t1.5\n1\t2\tNaN\n"),
        ("It.txt", "  -1  5.0000000e-01   1.5000000e+00\n 1 2 NaN\n"),
        ("It.csv", "-1,0.5,1.5\n1,2,?\n"),
    ],
)
def test_ucr_text_has_the_label_first_and_nan_where_a_series_has_ended(name, text, file):
    X, y = read(file(text, name))
    assert [case.tolist() for case in X] == [[[0.5, 1.5]], [[2]]]
    assert y.tolist() == ["-1", "1"]


def test_labels_of_ucr_text_may_begin_as_comments_do(file):
    X, y = read(file("#1,0.5,1.5\n%2,1,2\n", "It.csv"))
    assert y.tolist() == ["#1", "%2"]
    assert X.shape == (2, 1, 2)


def test_the_paper_authors_folder_of_arrays(tmp_path):
    series = np.arange(12.0).reshape(2, 3, 2)
    np.save(tmp_path / "X_train.npy", series)
    np.save(tmp_path / "y_train.npy", np.array([[3], [1]], np.uint8))
    X, y = read(tmp_path / "X_train.npy")
    np.testing.assert_array_equal(X, series)
    assert y.tolist() == ["3", "1"]
    mapped, _ = read(tmp_path / "X_train.npy", memory_map=True)
    assert isinstance(mapped, np.memmap)
    np.testing.assert_array_equal(mapped, series)


@pytest.mark.parametrize("name", ["It.ts", "It.tsv", "It.arff"])
def test_a_byte_order_mark_and_labels_in_latin_1_are_read_as_meant(name, tmp_path):
    header = {
        "It.ts": "@classLabel true\n@data\n",
        "It.tsv": "",
        "It.arff": f"{TWO_STEPS}@attribute y string\n@data\n",
    }
    line = {"It.ts": "1,2:{}\n", "It.tsv": "{}\t1\t2\n", "It.arff": "1,2,{}\n"}[name]
    text = header[name] + line.format("\xe9") + line.format("\xe8")
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + text.encode("latin-1"))
    X, y = read(tmp_path / name)
    assert X.tolist() == [[[1, 2]], [[1, 2]]]
    assert y.tolist() == ["\xe9", "\xe8"]


def test_lengths_of_a_small_type_are_counted_whole(tmp_path):
    np.savez(tmp_path / "It.npz", X=np.arange(600.0), y=["a", "b"], lengths=np.array([200, 100], np.uint8))
    assert [case.shape for case in read(tmp_path / "It.npz")[0]] == [(2, 200), (2, 100)]
    np.savez(tmp_path / "It.npz", X=np.arange(8.0), y=["a"] * 4, lengths=np.array([2**62] * 4))
    with pytest.raises(FormatError, match="as many values as the lengths require"):
        read(tmp_path / "It.npz")


def test_timestamps_take_linear_time(file):
    line = "(0,1)x" + " " * 300_000 + "x:Yes\n"
    with pytest.raises(FormatError, match="pairs"):
        read(file(HEADER.replace("@timeStamps false", "@timeStamps true") + line))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "1,2:Yes\n",
            "line 1, column 1: expected a header line that begins with @, or @data. Received: '1,2:Yes'",
        ),
        ("@problemName It\n", "expected a line @data. Received: 'none'"),
        (
            "@classLabel maybe\n@data\n",
            "line 1, column 1: expected true or false after @classLabel. Received: 'maybe'",
        ),
        (HEADER, "line 6, column 1: expected at least one case"),
        (
            HEADER + "1,2:yes\n",
            "line 6, column 5: expected one of the labels Yes, no, 3 at the end. Received: 'yes'",
        ),
        (
            HEADER + "1,2:Yes\n1,0,x:Yes\n",
            "line 7, column 5: expected a number, ? or NaN as value 3 of channel 1. Received: 'x'",
        ),
        (
            HEADER + "11,1:1,:Yes\n",
            "line 6, column 8: expected a number, ? or NaN as value 2 of channel 2.",
        ),
        (
            HEADER + "1,2:3:Yes\n",
            "line 6, column 5: expected 2 values in channel 2, as in channel 1. Received: 1",
        ),
        (
            HEADER + "1,2:Yes\n1,2:3,4:Yes\n",
            "line 7, column 1: expected 1 channels, as in the first case. Received: 2",
        ),
        (HEADER + "Yes\n", "line 6, column 1: expected at least one channel before the label"),
        (HEADER + "1_0,2:Yes\n", "line 6, column 1: expected a number"),
        (
            "@timestamps true\n@data\n(0,1),(1;2)\n",
            "line 3, column 7: expected pairs (timestamp,value) separated by commas. Received: '(1;2)'",
        ),
        (
            "@targetlabel true\n@data\n1,2:high\n",
            "line 3, column 5: expected a number at the end. Received: 'high'",
        ),
        (
            "@targetlabel true\n@data\n1,2:3,4\n",
            "line 3, column 5: expected a number at the end. Received: '3,4'",
        ),
    ],
)
def test_an_error_in_a_ts_file_has_its_position(text, message, file):
    with pytest.raises(FormatError, match=r"It\.ts") as error:
        read(file(text))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("It.arff", ARFF + "1,2,Yes\n", "line 7, column 1: expected a series in quotes, a comma and a label"),
        (
            "It.arff",
            ARFF + "'1,2\\n3,x',Yes\n",
            "line 7, column 9: expected a number, ? or NaN as value 2 of",
        ),
        (
            "It.arff",
            ARFF + "'1,2:3,4',Yes\n",
            "line 7, column 1: expected a series in quotes, a comma and a label",
        ),
        (
            "It.arff",
            ARFF + "'1,2',maybe\n",
            "line 7, column 7: expected one of the labels {Yes,no} at the end. Received: 'maybe'",
        ),
        (
            "It.arff",
            f"{TWO_STEPS}@attribute y string\n@data\n1,2,\n",
            "line 5, column 1: expected values, a comma and a label",
        ),
        (
            "It.arff",
            f"{TWO_STEPS}@attribute y {{a,b}}\n@data\n1,2,a\n1,b\n",
            "line 6, column 1: expected 2 values, one for each numeric attribute, and a label",
        ),
        (
            "It.arff",
            f"@attribute y {{a,b}}\n{TWO_STEPS}@data\na,1,2\n",
            "numeric attributes or one relation, then the target",
        ),
        (
            "It.arff",
            f"{TWO_STEPS}@attribute y string\n@data\n1,2,?\n",
            "line 5, column 5: expected a label at the end; ? is a missing one",
        ),
        ("It.ts", HEADER.replace("Yes no 3", "") + "1,2:?\n", "expected a label at the end; ? is a missing"),
        ("It.tsv", "?\t0.5\t1.5\n", "line 1, column 1: expected a label first; ? and NaN are missing ones"),
        ("It.csv", "nan,0.5,1.5\n", "line 1, column 1: expected a label first; ? and NaN are missing ones"),
        ("It.csv", "label,0,1\na,0.5,1.5\n", "leave out the line of the columns' names"),
        ("It.csv", "y,1,2,3\na,0.5,1.5,1\n", "leave out the line of the columns' names"),
        ("It.tsv", "\t0.5\t1.5\n", "line 1, column 1: expected a label and values"),
        ("X_train.npy", "no array", "expected a NumPy array"),
        ("Y.npy", "no array", "expected a name such as X_train.npy"),
        ("It.arff", "@data\n", "line 1, column 1: expected an @attribute before @data"),
        ("It.arff", "@attribute x\n", "line 1, column 1: expected @attribute NAME KIND"),
        ("It.arff", "1,2\n", "line 1, column 1: expected @relation, @attribute, @end or @data"),
        (
            "It.tsv",
            "1\t2\t3\n1\tx\t3\n",
            "line 2, column 3: expected a number, ? or NaN as value 1 of channel 1",
        ),
        (
            "It.tsv",
            "1\n",
            "line 1, column 1: expected a label and values, separated by tabs, commas or spaces",
        ),
        ("It.tsv", "", "line 1, column 1: expected at least one case"),
        ("It.npz", "no archive", "expected a NumPy archive with arrays X and y"),
    ],
)
def test_an_error_in_another_format_has_its_position(name, text, message, file):
    with pytest.raises(FormatError) as error:
        read(file(text, name))
    assert message in str(error.value)


def test_an_error_holds_its_place(file):
    path = file(HEADER + "1,x:Yes\n")
    with pytest.raises(FormatError) as error:
        read(path)
    assert (error.value.path, error.value.line, error.value.column) == (str(path), 6, 3)
    again = pickle.loads(pickle.dumps(error.value))  # as from a worker process
    assert str(again) == str(error.value)
    assert again.column == 3


@pytest.mark.parametrize("name", ["none.ts", "none.npz", "X_none.npy"])
def test_missing_file(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=name):
        read(tmp_path / name)


def test_an_unknown_ending_is_refused(file):
    with pytest.raises(ValueError, match=r"suffix must be one of \.ts, \.arff, .* Received: suffix='\.mat'"):
        read(file("", "It.mat"))


SAMPLES = Path(__file__).parent.parent / "datasets" / "samples"


def test_the_samples_on_the_shelf_read_as_their_script_wrote_them(tmp_path):
    spec = importlib.util.spec_from_file_location("generate", SAMPLES / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.HERE = tmp_path
    module.main()
    for path in tmp_path.iterdir():
        assert path.read_text() == (SAMPLES / path.name).read_text()
    X, y = read(SAMPLES / "EqualLength.ts")
    assert X.shape == (8, 2, 20)
    assert y.tolist() == ["slow", "Fast"] * 4
    X, _ = read(SAMPLES / "UnequalLengthMissing.ts")
    assert [case.shape[1] for case in X] == [20, 18, 16, 14, 12, 10, 8, 6]
    assert np.isnan(X[1][0, 3])
    assert read(SAMPLES / "Relational.arff")[0].shape == (8, 2, 20)
    assert [case.shape[1] for case in read(SAMPLES / "OneChannel.tsv")[0]] == [20, 18, 16, 14, 12, 10, 8, 6]
