"""Data sets load offline, as arrays, with the archive's labels, from the first place that has them."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mlstm_fcn import datasets
from mlstm_fcn.datasets import places
from mlstm_fcn.datasets.formats import blocks
from tests.archives_at_hand import ROOT, manifest, needs_archives
from tests.web import Site, served


def test_basic_motions_is_the_archives(basic_motions):
    assert repr(basic_motions) == (
        "Problem('BasicMotions': 40 training and 40 test cases, 6 channels, 100 steps, 4 classes)"
    )
    assert basic_motions.X_train.shape == basic_motions.X_test.shape == (40, 6, 100)
    labels, counts = np.unique(basic_motions.y_train, return_counts=True)
    assert labels.tolist() == ["Badminton", "Running", "Standing", "Walking"]
    assert counts.tolist() == [10, 10, 10, 10]


@pytest.mark.parametrize("name", ["BasicMotions", "JapaneseVowels", "ItalyPowerDemand"])
def test_values_equal_those_of_sktimes_reader(name):
    from sktime.datasets import load_from_tsfile
    from sktime.datatypes import convert

    X, y = datasets.load(name, split="test")
    path = places.find(name)["test"].path
    their_X, their_y = load_from_tsfile(str(path), return_data_type="nested_univ")
    theirs = convert(their_X, "nested_univ", "df-list")
    for case, frame in zip(X, theirs, strict=True):
        np.testing.assert_array_equal(case, frame.to_numpy().T)
    assert [label.lower() for label in y] == their_y.tolist()


def test_one_split_is_that_part_of_the_problem(basic_motions):
    for split in ("train", "test"):
        X, y = datasets.load("BasicMotions", split=split)
        np.testing.assert_array_equal(X, getattr(basic_motions, f"X_{split}"))
        np.testing.assert_array_equal(y, getattr(basic_motions, f"y_{split}"))


def test_different_lengths_come_as_a_list():
    problem = datasets.load("JapaneseVowels", dtype="float32")
    assert "270 training and 370 test cases, 12 channels, 7 to 29 steps, 9 classes" in repr(problem)
    assert all(case.shape[0] == 12 and case.dtype == np.float32 for case in problem.X_train)
    assert {case.shape[1] for case in problem.X_train} <= set(range(7, 30))


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'BasicMotions'"):
        datasets.load("basicmotion")
    with pytest.raises(ValueError, match="`split` must be one of 'train', 'test'"):
        datasets.load("BasicMotions", split="validation")
    with pytest.raises(ValueError, match="must consist of letters, digits"):
        datasets.load("../BasicMotions")


def put(folder, value, suffix=".ts"):
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("TRAIN", "TEST"):
        datasets.write(folder / f"GunPoint_{part}{suffix}", np.full((2, 1, 3), value), ["a", "b"])


def test_places_are_looked_at_in_their_order(tmp_path, monkeypatch):
    def first():
        return float(datasets.load("GunPoint").X_train[0, 0, 0])

    monkeypatch.setenv("MLSTM_FCN_CACHE", str(tmp_path / "cache"))
    shipped = first()
    put(tmp_path / "cache", 1.0)
    assert first() == 1.0 != shipped
    put(tmp_path / "data" / "GunPoint", 2.0)
    monkeypatch.setenv("MLSTM_FCN_DATA", str(tmp_path / "data"))
    assert first() == 2.0
    put(tmp_path / "given", 3.0)
    assert datasets.load("GunPoint", folder=tmp_path / "given").X_train[0, 0, 0] == 3.0


def test_a_cache_with_one_part_is_not_mixed_with_another_place(tmp_path, monkeypatch):
    monkeypatch.setenv("MLSTM_FCN_CACHE", str(tmp_path))
    put(tmp_path, 1.0)
    (tmp_path / "GunPoint_TEST.ts").unlink()
    whole = datasets.load("GunPoint")
    assert whole.X_train.shape == (50, 1, 150)
    assert len(np.unique(whole.X_train)) > 1  # of the other place, where not all values are 1


def test_a_changed_file_is_read_anew_and_its_old_arrays_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("MLSTM_FCN_CACHE", str(tmp_path / "cache"))
    put(tmp_path / "data", 1.0)
    datasets.load("GunPoint", folder=tmp_path / "data")
    kept = set((tmp_path / "cache" / "arrays").iterdir())
    assert len(kept) == 2
    for value, changed in ((5.25, 1), (2.25, 2)):  # the second change keeps the size
        put(tmp_path / "data", value)
        os.utime(tmp_path / "data" / "GunPoint_TRAIN.ts", ns=(changed, changed))
        assert datasets.load("GunPoint", folder=tmp_path / "data").X_train[0, 0, 0] == value
    assert len(list((tmp_path / "cache" / "arrays").iterdir())) == 2
    assert set((tmp_path / "cache" / "arrays").iterdir()).isdisjoint(kept)


def test_a_cached_file_is_not_parsed_again(monkeypatch):
    first = datasets.load("JapaneseVowels")
    monkeypatch.setattr("mlstm_fcn.datasets.formats.values.parse", None)
    again = datasets.load("JapaneseVowels")
    for one, other in zip(first.X_test, again.X_test, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(first.y_test, again.y_test)


def test_without_a_cache_to_write_to_it_works_all_the_same(basic_motions, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MLSTM_FCN_CACHE", str(tmp_path / "file" / "cache"))
    np.testing.assert_array_equal(datasets.load("BasicMotions").X_train, basic_motions.X_train)
    with pytest.raises(OSError, match="Not a directory"):
        datasets.load("BasicMotions", memory_map=True)


def test_many_first_readers_at_once_all_get_the_values(tmp_path, monkeypatch):
    monkeypatch.setenv("MLSTM_FCN_CACHE", str(tmp_path / "cache"))
    for suffix in "abc":
        put(tmp_path / suffix, 1.0)
        with ThreadPoolExecutor(4) as pool:
            loads = [
                pool.submit(datasets.load, "GunPoint", folder=tmp_path / suffix, memory_map=True)
                for _ in range(8)
            ]
        assert all((load.result().X_train == 1.0).all() for load in loads)
    assert len(list((tmp_path / "cache" / "arrays").iterdir())) == 6


@pytest.mark.parametrize("file", ["X_all.npy", "y_all.npy"])
@pytest.mark.parametrize("memory_map", [False, True])
def test_a_damaged_cache_is_mended(file, memory_map, tmp_path, monkeypatch):
    monkeypatch.setenv("MLSTM_FCN_CACHE", str(tmp_path / "cache"))
    put(tmp_path / "data", 1.0)
    for damage in (lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:50])):
        datasets.load("GunPoint", folder=tmp_path / "data")
        for path in (tmp_path / "cache").rglob(file):
            damage(path)
        problem = datasets.load("GunPoint", folder=tmp_path / "data", memory_map=memory_map)
        assert (problem.X_train == 1.0).all()
        assert len(list((tmp_path / "cache").rglob(file))) == 2


def test_arrays_answer_only_for_the_name_of_their_folder(tmp_path):
    datasets.convert("UnitTest", tmp_path)
    assert datasets.load("BasicMotions", folder=tmp_path / "UnitTest").X_train.shape == (40, 6, 100)
    assert datasets.load("UnitTest", folder=tmp_path / "UnitTest").X_train.dtype == np.float64
    with pytest.raises(datasets.FormatError, match=r"set `dtype` to the file's type. Received: 'float32'"):
        datasets.load("UnitTest", folder=tmp_path, memory_map=True)


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="`folder` must be a folder"):
        datasets.load("GunPoint", folder=tmp_path / "none")
    with pytest.raises(ValueError, match="must consist of letters, digits"):
        datasets.load(3)


def test_files_stand_before_an_archive_beside_them(tmp_path):
    put(tmp_path / "GunPoint", 7.0)
    (tmp_path / "GunPoint.zip").write_bytes(b"damaged")
    assert datasets.load("GunPoint", folder=tmp_path).X_train[0, 0, 0] == 7.0
    shutil.rmtree(tmp_path / "GunPoint")
    with pytest.raises(ValueError, match=r"GunPoint\.zip is not a zip archive, or is damaged"):
        datasets.load("GunPoint", folder=tmp_path)
    assert "GunPoint" in datasets.here(tmp_path)


def test_a_damaged_file_leaves_no_arrays(tmp_path, monkeypatch):
    monkeypatch.setenv("MLSTM_FCN_CACHE", str(tmp_path / "cache"))
    put(tmp_path / "data", 1.0)
    with (tmp_path / "data" / "GunPoint_TRAIN.ts").open("a") as file:
        file.write("1,x,3:a\n")
    with pytest.raises(datasets.FormatError, match=r"GunPoint_TRAIN.ts, line 12, column 3"):
        datasets.load("GunPoint", folder=tmp_path / "data")
    assert list((tmp_path / "cache" / "arrays").iterdir()) == []


@pytest.mark.parametrize("name", ["BasicMotions", "JapaneseVowels"])
def test_memory_mapped_series_are_the_same_and_stay_on_disk(name):
    mapped = datasets.load(name, dtype="float32", memory_map=True)
    plain = datasets.load(name, dtype="float32")
    for one, other in zip(mapped.X_train, plain.X_train, strict=True):
        assert isinstance(one, np.memmap)
        np.testing.assert_array_equal(one, other)


def test_memory_mapped_series_can_be_learnt():
    from mlstm_fcn import MLSTMFCNClassifier

    problem = datasets.load("BasicMotions", dtype="float32", memory_map=True)
    classifier = MLSTMFCNClassifier(n_epochs=8, random_state=0).fit(problem.X_train, problem.y_train)
    assert classifier.score(problem.X_test, problem.y_test) > 0.7


@pytest.mark.parametrize("to", ["npy", "npz", "ts", "arff"])
@pytest.mark.parametrize("name", ["BasicMotions", "JapaneseVowels"])
def test_converted_data_sets_are_found_and_equal(name, to, tmp_path):
    made = datasets.convert(name, tmp_path, to, dtype="float64")
    assert made == tmp_path / name
    assert places.find(name, tmp_path)["train"].path.parent == made
    problem, original = datasets.load(name, folder=tmp_path), datasets.load(name)
    for part in ("train", "test"):
        X, expected = getattr(problem, f"X_{part}"), getattr(original, f"X_{part}")
        assert type(X) is type(expected)
        for one, other in zip(X, expected, strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(getattr(problem, f"y_{part}"), getattr(original, f"y_{part}"))


def test_a_converted_data_set_is_never_half_there(tmp_path):
    datasets.convert("GunPoint", tmp_path, "tsv")
    with pytest.raises(FileExistsError, match="exists already"):
        datasets.convert("GunPoint", tmp_path, "npy")
    with pytest.raises(ValueError, match="can hold only one channel"):
        datasets.convert("BasicMotions", tmp_path, "tsv")
    with pytest.raises(ValueError, match="`to` must be one of 'npy'"):
        datasets.convert("BasicMotions", tmp_path, "mat")
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(datasets.convert, "UnitTest", tmp_path) for _ in range(3)]
    assert sum(call.exception() is None for call in calls) >= 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["GunPoint", "UnitTest"]


def test_a_file_is_read_in_blocks_that_are_small(tmp_path):
    path = tmp_path / "It.ts"
    datasets.write(path, np.arange(600_000.0).reshape(1000, 2, 300), ["a", "b"] * 500)
    sizes = [block.values.nbytes for block in blocks(datasets.formats.Source(path))]
    assert len(sizes) > 5
    assert max(sizes) < 600_000 * 8 / 5


@needs_archives
@pytest.mark.parametrize("way", ["folder", "mirror folder", "mirror URL"])
@pytest.mark.parametrize("row", manifest(), ids=[f"{row['group']}-{row['name']}" for row in manifest()])
def test_every_archive_at_hand_has_the_sizes_of_its_list(row, way, tmp_path, monkeypatch):
    folder = Path(ROOT) / row["group"]
    monkeypatch.setenv("MLSTM_FCN_CACHE", str(tmp_path))
    monkeypatch.setattr(places, "shipped", lambda: None)
    if way == "folder":
        problem = datasets.load(row["name"], folder=folder)
    elif way == "mirror folder":
        monkeypatch.setenv("MLSTM_FCN_MIRROR", str(folder))
        problem = datasets.load(row["name"])
    else:
        content = (folder / f"{row['name']}.zip").read_bytes()
        with served(Site({f"/{row['name']}.zip": content})) as url:
            monkeypatch.setenv("MLSTM_FCN_MIRROR", url)
            problem = datasets.load(row["name"])
    X, y = problem.pooled()
    lengths = {case.shape[1] for case in X}
    sizes = (len(problem.y_train), len(problem.y_test), X[0].shape[0], len(set(y.tolist())))
    assert sizes == tuple(int(row[column]) for column in ("train_cases", "test_cases", "dims", "classes"))
    if row["length"].isdigit():
        assert lengths == {int(row["length"])}
    elif row["length"].startswith("unequal") and row["group"] != "mlstm_fcn":
        assert row["length"] == f"unequal({min(lengths)}-{max(lengths)})"
    assert any(np.isnan(case).any() for case in X) == (row["missing"] == "y")
