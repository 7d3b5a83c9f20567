"""Tables become series with labels and groups, or an error that names what to repair."""

import numpy as np
import pandas as pd
import pytest

from mlstm_fcn import datasets
from tests.walks import ROLES, walks

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


def test_levels_of_an_index_are_no_values_unless_they_are_named():
    numbered = walks().rename_axis("row")
    roles = {**ROLES, "channels": None}
    assert datasets.from_long(numbered, **roles).channels == datasets.from_long(walks(), **roles).channels
    wide = pd.DataFrame({"a": [1.0, 3.0], "b": [2.0, 4.0]}, index=pd.Index([7, 8], name="id"))
    assert np.stack(datasets.from_wide(wide, case="id").X).tolist() == [[[1, 2]], [[3, 4]]]
    assert np.stack(datasets.from_wide(wide).X).tolist() == [[[1, 2]], [[3, 4]]]
    assert np.stack(datasets.from_wide(wide, steps=["id", "a"]).X).tolist() == [[[7, 1]], [[8, 3]]]


def test_a_written_index_is_no_channel():
    written = walks().reset_index().rename(columns={"index": "Unnamed: 0"})
    with pytest.raises(ValueError, match=r"one without is often a written index.*'Unnamed: 0'"):
        datasets.from_long(written, **{**ROLES, "channels": None})
    with pytest.raises(ValueError, match="one without is often a written index"):
        datasets.from_wide(pd.DataFrame({"Unnamed: 0": [0, 1], "a": [1.0, 2.0]}))


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
        (
            [[1, 2.0]],
            {"steps": {"x": ["a", "b"], "y": ["a"]}},
            r"same number of columns\. .*'x': 2, 'y': 1",
        ),
        ([[1, 2.0]], {"steps": ["a", "c"]}, r"`steps` must be one of the columns \['a', 'b'\]"),
    ],
)
def test_what_a_wide_table_lacks_is_said(rows, arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.from_wide(pd.DataFrame(rows, columns=["a", "b"]), **arguments)


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
