"""Tables and folders become series with labels and groups, or an error that names what to repair."""

import re

import numpy as np
import pandas as pd
import pytest

from mlstm_fcn import datasets

KINDS = ["pandas", "polars", "pyarrow"]


def in_kind(frame, kind):
    if kind == "pandas":
        return frame
    module = pytest.importorskip(kind)
    return (
        module.from_pandas(frame)
        if kind == "polars"
        else module.Table.from_pandas(frame, preserve_index=False)
    )


def walks():
    """Two people, three walks of 3, 4 and 5 steps; row by row in the order of walk, then time."""
    rows = [
        (person, walk, second, 10.0 * number + second, -float(second), gait)
        for number, (person, walk, gait, steps) in enumerate(
            [("bob", "w1", "slow", 3), ("ann", "w1", "fast", 4), ("ann", "w2", "slow", 5)]
        )
        for second in range(steps)
    ]
    return pd.DataFrame(rows, columns=["person", "walk", "second", "x", "y", "gait"])


ROLES = {"case": ["person", "walk"], "time": "second", "label": "gait", "group": "person"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_table_with_shuffled_rows_becomes_sorted_series(kind):
    shuffled = walks().sample(frac=1, random_state=1)
    found = datasets.from_long(in_kind(shuffled, kind), **ROLES)
    order = np.argsort(found.cases).tolist()
    assert found.cases[order].tolist() == ["ann/w1", "ann/w2", "bob/w1"]
    for number, (at, steps) in enumerate(zip(order, (4, 5, 3), strict=True)):
        first = 10.0 * [1, 2, 0][number]
        np.testing.assert_array_equal(found.X[at], [first + np.arange(steps), -np.arange(steps)])
    assert found.y[order].tolist() == ["fast", "slow", "slow"]
    assert found.groups[order].tolist() == ["ann", "ann", "bob"]
    assert found.channels == ("x", "y")


def test_cases_keep_the_order_of_the_table_and_equal_lengths_become_one_array():
    table = walks().query("second < 3")
    X, y, groups = datasets.from_long(table, **ROLES, channels="y", dtype="float32")
    assert X.shape == (3, 1, 3)
    assert X.dtype == np.float32
    assert (y.tolist(), groups.tolist()) == (["slow", "fast", "slow"], ["bob", "ann", "ann"])
    without = datasets.from_long(table[["walk", "x"]], case="walk")
    assert (without.y, without.groups, len(without)) == (None, None, 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "convert",
    [
        lambda second: second / 4,
        lambda second: pd.to_datetime(second, unit="s"),
        lambda second: pd.to_datetime(second, unit="s", utc=True),
        lambda second: pd.to_timedelta(second, unit="ms"),
        lambda second: second + 10**18,  # float64 could not tell these apart
    ],
    ids=["fractions", "dates", "dates with a zone", "durations", "nanoseconds"],
)
def test_time_is_a_number_a_date_or_a_duration(kind, convert):
    table = walks().assign(second=convert(walks()["second"])).iloc[::-1]
    found = datasets.from_long(in_kind(table, kind), **ROLES)
    assert [one[1].tolist() for one in found.X] == [[0, -1, -2, -3, -4], [0, -1, -2, -3], [0, -1, -2]]


def test_named_levels_of_an_index_are_columns():
    plain = datasets.from_long(walks(), **ROLES)
    indexed = datasets.from_long(walks().set_index(["person", "walk", "second"]), **ROLES)
    for one, same in zip(plain.X, indexed.X, strict=True):
        np.testing.assert_array_equal(one, same)


def test_missing_values_of_any_spelling_become_nan():
    table = walks()
    table["x"] = table["x"].astype("Float64").mask(table["second"] == 1)
    table["y"] = table["y"].astype(object).where(table["second"] != 2, None)
    for one in datasets.from_long(table, **ROLES).X:
        assert np.isnan(one[0]).tolist() == [step == 1 for step in range(one.shape[1])]
        assert np.isnan(one[1]).tolist() == [step == 2 for step in range(one.shape[1])]


def test_duplicates_are_refused_by_case_or_one_is_kept():
    again = walks().query("walk == 'w2' and second == 2").assign(x=99.0)
    table = pd.concat([walks(), again])
    with pytest.raises(ValueError, match=r"one row for each time.*duplicates='first'.*several: 'ann/w2'\."):
        datasets.from_long(table, **ROLES)
    assert datasets.from_long(table, **ROLES, duplicates="first").X[2][0].tolist() == [20, 21, 22, 23, 24]
    assert datasets.from_long(table, **ROLES, duplicates="last").X[2][0].tolist() == [20, 21, 99, 23, 24]


def test_gaps_are_reported_by_case():
    table = walks().query("walk == 'w1' or second != 3").assign(second=lambda t: 1000 + t["second"])
    report = r"missing in 1 of 3 cases: 'ann/w2' \(1, the first after 1002\)\. Give `gaps='fill'`"
    with pytest.warns(UserWarning, match=report):
        warned = datasets.from_long(table, **ROLES)
    with pytest.raises(ValueError, match=report):
        datasets.from_long(table, **ROLES, gaps="error")
    ignored = datasets.from_long(table, **ROLES, gaps="ignore")  # warnings are errors here
    assert warned.X[2].shape == ignored.X[2].shape == (2, 4)


def test_filled_gaps_hold_nan_and_the_label_before():
    seconds = [0.0, 0.5, 1.0, 2.5, 3.0, 4.0]  # at 1.5, 2.0 and 3.5 steps are missing
    table = pd.DataFrame({"case": "a", "second": seconds, "x": seconds, "on": list("nnyyny")})
    found = datasets.from_long(table, case="case", time="second", label="on", label_per="step", gaps="fill")
    nan = np.nan
    np.testing.assert_array_equal(found.X[0], [[0, 0.5, 1, nan, nan, 2.5, 3, nan, 4]])
    assert "".join(found.y[0]) == "nnyyyynny"


def test_a_gap_of_a_year_is_not_filled():
    seconds = [0, 1, 2, 3, 365 * 86400]
    table = pd.DataFrame({"case": "a", "second": seconds, "x": seconds})
    with pytest.raises(ValueError, match=r"too many to fill: name the parts .* missing=31535996, present=5"):
        datasets.from_long(table, case="case", time="second", gaps="fill")


@pytest.mark.parametrize(
    ("change", "roles", "message"),
    [
        ({}, {"label": "gate"}, r"`label` must be one of the columns .*mean 'gait'\? Received: label='gate'"),
        ({}, {"channels": ["x", "x"]}, r"`channels` must name columns, each once\."),
        ({}, {"channels": ["gait"]}, r"'gait' must hold numbers, and has 'slow' in row 0\. .*to_numeric"),
        ({"x": [1, "2", *[3.0] * 10]}, {}, r"'x' must hold numbers, and has '2' in row 1\."),
        ({"x": ["1", None, "-", *"3" * 9]}, {}, r"'x' must hold numbers, and has '-' in row 2\."),
        ({"x": pd.Timestamp(0)}, {}, r"The channel 'x' must hold numbers\. .*dtype='datetime64"),
        ({"second": "noon"}, {}, r"The time 'second' must hold numbers, dates or durations\. .*to_datetime"),
        (
            {"second": [np.nan, *range(11)]},
            {},
            r"must have a time\. These cases have rows without: 'bob/w1'\.",
        ),
        ({"gait": ["slow", *[1] * 11]}, {}, r"'gait' must hold values of one type\. .*\['int', 'str'\]"),
        (
            {"gait": [None, *["slow"] * 11]},
            {},
            r"must have a label\. .*'gait'. Received: rows=1, first=\[0\]",
        ),
        ({"person": np.nan}, {}, r"Every row must have a case\. .*'person'"),
        (
            {"gait": [*["slow"] * 4, *["fast"] * 8]},
            {},
            r"label_per='step'.*several: 'ann/w1'.*'slow', 'fast'",
        ),
        (
            {},
            {"case": "walk", "time": None, "label": None, "channels": "x"},
            r"in one group\. Add .* several: 'w1'\. .*'bob', 'ann'\.",
        ),
        ({}, {"gaps": "all"}, r"`gaps` must be one of 'warn'"),
        ({"person": ["a", "a/b", *"cdefghijkl"], "walk": ["b/c", "c", *"cdefghijkl"]}, {}, r"the same name"),
    ],
)
def test_what_a_table_lacks_is_said_with_the_repair(change, roles, message):
    with pytest.raises(ValueError, match=message):
        datasets.from_long(walks().assign(**change), **ROLES | roles)


def test_what_is_no_table_is_refused():
    with pytest.raises(TypeError, match=r"must be a pandas or polars DataFrame .* Received: builtins.list"):
        datasets.from_long([[1.0, 2.0]], case="walk")
    with pytest.raises(ValueError, match="must have a row for each step"):
        datasets.from_long(walks()[:0], **ROLES)
    twice = pd.DataFrame([[1, 2.0, 3.0]], columns=["case", "x", "x"])
    with pytest.raises(ValueError, match="unique"):
        datasets.from_long(twice, case="case")
    nested = pd.DataFrame([[1, 2.0]], columns=pd.MultiIndex.from_tuples([("a", "case"), ("a", "x")]))
    with pytest.raises(ValueError, match="one name each"):
        datasets.from_long(nested, case="case")


def test_a_lazy_frame_is_to_be_collected():
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"`collect\(\)` a lazy one"):
        datasets.from_long(polars.from_pandas(walks()).lazy(), **ROLES)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wide_table_has_a_row_for_each_series(kind):
    table = pd.DataFrame(
        {
            "who": ["bob", "ann"],
            "x0": [1.0, 2],
            "x1": [3.0, 4],
            "y0": [5, 6],
            "y1": [7, 8],
            "gait": ["s", "f"],
        }
    )
    table = in_kind(table, kind)
    steps = {"x": ["x0", "x1"], "y": ["y0", "y1"]}
    X, y, groups = datasets.from_wide(table, steps=steps, label="gait", group="who")
    np.testing.assert_array_equal(X, [[[1, 3], [5, 7]], [[2, 4], [6, 8]]])
    assert (y.tolist(), groups.tolist()) == (["s", "f"], ["bob", "ann"])
    one = datasets.from_wide(table, case="who", label="gait")
    np.testing.assert_array_equal(one.X, [[[1, 3, 5, 7]], [[2, 4, 6, 8]]])
    assert one.cases.tolist() == ["bob", "ann"]


def test_nan_at_the_end_of_a_row_is_padding():
    table = pd.DataFrame([[1, 2, np.nan, np.nan], [np.nan, 4, np.nan, 6]], columns=list("abcd"))
    X, _, _ = datasets.from_wide(table)
    np.testing.assert_array_equal(X[0], [[1, 2]])
    np.testing.assert_array_equal(X[1], [[np.nan, 4, np.nan, 6]])


@pytest.mark.parametrize(
    ("rows", "arguments", "message"),
    [
        ([[1, 2.0], [1, 3.0]], {"case": "a"}, r"one row for each case; `from_long` .* have more: 1\."),
        ([[1, np.nan], [2, 3.0]], {"case": "a"}, r"must have a value\. These cases have none: 1\."),
        ([[1, 2.0]], {"steps": {"x": ["a", "b"], "y": ["a"]}}, r"as many columns each\. .*'x': 2, 'y': 1"),
        ([[1, 2.0]], {"steps": ["a", "c"]}, r"`steps` must be one of the columns \['a', 'b'\]"),
    ],
)
def test_what_a_wide_table_lacks_is_said(rows, arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.from_wide(pd.DataFrame(rows, columns=["a", "b"]), **arguments)


@pytest.fixture
def folder(tmp_path):
    """A file for each walk, in a folder for each person."""
    for (person, walk), rows in walks().groupby(["person", "walk"]):
        (tmp_path / person).mkdir(exist_ok=True)
        rows.drop(columns=["person", "walk"]).to_csv(tmp_path / person / f"{walk}.csv", index=False)
    return tmp_path


def test_a_folder_of_files_gives_a_case_for_each(folder):
    found = datasets.read_long(
        folder, names="{person}/{walk}.csv", time="second", label="gait", group="person"
    )
    assert found.cases.tolist() == ["ann/w1.csv", "ann/w2.csv", "bob/w1.csv"]
    assert found.groups.tolist() == ["ann", "ann", "bob"]
    assert found.channels == ("x", "y")
    assert [one[0].tolist() for one in found.X] == [[10, 11, 12, 13], [20, 21, 22, 23, 24], [0, 1, 2]]
    by_walk = datasets.read_long(
        folder, names="{person}/{walk}.csv", case=["walk", "person"], label="walk", channels="x"
    )
    assert by_walk.cases.tolist() == ["w1/ann", "w2/ann", "w1/bob"]
    alone = datasets.read_long(folder / "ann" / "w2.csv", time="second", label="gait")
    assert alone.cases.tolist() == ["w2.csv"]


def test_a_path_that_is_made_in_another_way_is_refused(folder):
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"made as `names` says\. Received: path='notes.csv'"):
        datasets.read_long(folder, names="{person}/{walk}.csv")
    (folder / "notes.csv").unlink()
    with pytest.raises(ValueError, match=r"made as `names` says\. Received: path='ann/w1.csv'"):
        datasets.read_long(folder, names="{person}.{walk}.csv")
    with pytest.raises(ValueError, match=r"other columns than those of its path: rename .*both=\['gait'\]"):
        datasets.read_long(folder / "ann", names="{gait}.csv")
    with pytest.raises(ValueError, match=r"`names` must have each column once"):
        datasets.read_long(folder, names="{walk}/{walk}.csv")
    (folder / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"must hold files with the suffixes \('\.csv'"):
        datasets.read_long(folder / "empty")
    with pytest.raises(FileNotFoundError, match="must be a file or a folder"):
        datasets.read_long(folder / "absent.csv")
    with pytest.raises(ValueError, match=r"must be one of '\.csv'.*Received: path.suffix='.xls'"):
        datasets.read_long(folder / "table.xls")


def test_files_of_other_columns_are_refused(folder):
    (folder / "bob" / "w9.csv").write_text("second,X,y,gait\n0,1,2,slow\n")
    with pytest.raises(ValueError, match=r"the same columns\. .*'x'.*bob/w9\.csv=\['second', 'X'"):
        datasets.read_long(folder, time="second", label="gait")


def test_damaged_lines_are_named_with_their_file(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("1,2,rest\n3,4,rest5,6,rest\n7,8\n\n9,10,fist\n")
    columns = {"header": ["x", "y", "label"], "label": "label", "label_per": "step"}
    with pytest.raises(
        datasets.FormatError, match=re.escape("a.txt, line 2, column 1: expected 3 values")
    ) as error:
        datasets.read_long(file, **columns)
    assert "damaged='skip'" in str(error.value)
    with pytest.warns(UserWarning, match=r"a\.txt: lines without 3 values are left out: 2, 3\."):
        found = datasets.read_long(file, damaged="skip", **columns)
    np.testing.assert_array_equal(found.X, [[[1, 9], [2, 10]]])
    assert found.y[0].tolist() == ["rest", "fist"]


def test_quoted_values_may_hold_commas(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text('x,label\n1,"a, b"\n2,"a, b"\n')
    assert datasets.read_long(file, label="label").y.tolist() == ["a, b"]
    file.write_text('x,label\n1,"a, b"\n2,"a, b",3\n')
    with pytest.raises(datasets.FormatError, match=r"a\.csv, line 3, column 1: expected 2 values"):
        datasets.read_long(file, label="label")
    file.write_text('x,label\n1,"a\n b"\n2\n3,"a\n b"\n')
    with pytest.raises(datasets.FormatError, match=r"a\.csv, line 4, column 1: expected 2 values"):
        datasets.read_long(file, label="label")
    with pytest.warns(UserWarning, match=r"are left out: 4\."):
        assert datasets.read_long(file, label="label", damaged="skip").X.tolist() == [[[1, 3]]]
    file.write_text('x,label\n1,"a\n')
    with pytest.raises(datasets.FormatError, match=r"expected a table of values separated by ','"):
        datasets.read_long(file, label="label")
    file.write_text('x,label\n1,"' + "a" * 200_000)
    with pytest.raises(datasets.FormatError, match=r"line 2, column 1: expected quoted values that end"):
        datasets.read_long(file, label="label")
    file.write_bytes(b"x,label\n1,\xff\n")
    with pytest.raises(datasets.FormatError, match="text in UTF-8"):
        datasets.read_long(file, label="label")
    file.write_text("")
    with pytest.raises(datasets.FormatError, match="a line for each step"):
        datasets.read_long(file, label="label")


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    walks().to_parquet(tmp_path / "walks.parquet")
    found = datasets.read_long(tmp_path / "walks.parquet", **ROLES)
    for one, same in zip(found.X, datasets.from_long(walks(), **ROLES).X, strict=True):
        np.testing.assert_array_equal(one, same)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "walks.parquet").write_bytes(b"PAR1")
    with pytest.raises(ImportError, match=r"pip install 'mlstm-fcn\[parquet\]'"):
        datasets.read_long(tmp_path / "walks.parquet")


def test_cases_are_taken_by_number_or_condition():
    found = datasets.from_long(walks(), **ROLES)
    ann = found.take(found.groups == "ann")
    assert (ann.cases.tolist(), ann.y.tolist()) == (["ann/w1", "ann/w2"], ["fast", "slow"])
    assert found.take([2, 0]).cases.tolist() == ["ann/w2", "bob/w1"]
    assert repr(ann) == "Recordings(2 cases, 2 channels, 4 to 5 steps, 2 labels, 1 groups)"
    with pytest.raises(ValueError, match="a bool for each of the 3 cases"):
        found.take([True, False])
    with pytest.raises(ValueError, match="numbers of cases"):
        found.take([0.5])
    with pytest.raises(ValueError, match=r"numbers of cases, below 3\..*cases=\[3\]"):
        found.take([3])
