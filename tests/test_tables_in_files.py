"""Files and folders of tables become series; what is damaged or does not fit is named with its file."""

import re

import numpy as np
import pytest

from mlstm_fcn import datasets
from tests.walks import ROLES, walks


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


def test_columns_of_one_name_and_of_none_are_refused(tmp_path):
    (tmp_path / "twice.csv").write_text("t,x,x\n0,1,2\n1,3,4\n")
    with pytest.raises(datasets.FormatError, match=r"line 1.*columns with names of their own. Received: 'x'"):
        datasets.read_long(tmp_path / "twice.csv", time="t")
    walks().drop(columns=["person", "walk"]).iloc[:3].to_csv(tmp_path / "index.csv")
    with pytest.raises(ValueError, match="one without is often a written index"):
        datasets.read_long(tmp_path / "index.csv", time="second", label="gait")
    named = datasets.read_long(tmp_path / "index.csv", time="second", label="gait", channels=["x", "y"])
    assert named.channels == ("x", "y")


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
