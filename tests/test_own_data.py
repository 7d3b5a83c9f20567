"""Data that a user put into a folder are read or refused; no other place answers for them."""

import zipfile

import numpy as np
import pytest

from mlstm_fcn import datasets

LINES = "@classLabel true a b\n@data\n1,2:a\n3,4:b\n"


def shipped_one_in(folder, *files):
    """Files of a data set that sktime ships too."""
    for file in files:
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(LINES)
    return datasets.load("GunPoint", folder=folder, offline=True)


def test_whole_data_of_a_user_come_before_those_of_the_same_name(tmp_path):
    assert shipped_one_in(tmp_path, "GunPoint_TRAIN.ts", "GunPoint_TEST.ts").X_train.shape == (2, 1, 2)


@pytest.mark.parametrize(
    "file",
    ["GunPoint_TRAIN.ts", "GunPoint_test.ts", "GunPoint/X_train.npy", "GunPoint/GunPoint_TEST.parquet"],
)
@pytest.mark.parametrize("place", ["folder", "MLSTM_FCN_DATA", "MLSTM_FCN_MIRROR"])
def test_a_part_of_a_data_set_is_refused(file, place, tmp_path, monkeypatch):
    with pytest.raises(
        ValueError, match=r"GunPoint_TRAIN and GunPoint_TEST, as one of .*found=\['.*GunPoint"
    ):
        shipped_one_in(tmp_path, file)
    if place != "folder":
        monkeypatch.setenv(place, str(tmp_path))
        monkeypatch.setattr("mlstm_fcn.datasets.places.shipped", lambda: None)
        with pytest.raises(ValueError, match="must be in one folder or zip archive"):
            datasets.load("GunPoint", offline=True)


@pytest.mark.parametrize("file", ["GunPoint/notes.txt", "GunPointOld_TRAIN.ts", "X_train.npy"])
def test_files_of_something_else_are_no_part_of_a_data_set(file, tmp_path):
    assert shipped_one_in(tmp_path, file).X_train.shape == (50, 1, 150)


def test_an_archive_whose_names_are_damaged_is_refused(tmp_path):
    """One wrong byte in a name leaves an archive that opens, without the file."""
    with zipfile.ZipFile(tmp_path / "GunPoint.zip", "w") as archive:
        for part in ("TRAIN", "TEST"):
            archive.writestr(f"GunPoint_{part}.ts", LINES)
    assert shipped_one_in(tmp_path).X_train.shape == (2, 1, 2)
    damaged = (tmp_path / "GunPoint.zip").read_bytes().replace(b"_TEST", b"_TESU")
    (tmp_path / "GunPoint.zip").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"must be in one folder or zip archive.*GunPoint\.zip"):
        shipped_one_in(tmp_path)


@pytest.mark.parametrize("token", ["-?", "+?", " -?"])
@pytest.mark.parametrize("more", [0, 20_000], ids=["short", "long"])
def test_a_missing_value_has_no_sign(token, more, tmp_path):
    path = tmp_path / "It.ts"
    path.write_text(LINES + "1.5," * more + f"1,{token}:b\n")
    with pytest.raises(datasets.FormatError, match=r"line 5.*expected a number, \? or NaN"):
        datasets.read(path)
    path.write_text(LINES + "1.5," * more + "1,?:b\n")
    assert np.isnan(datasets.read(path)[0][2][0, -1])


def test_an_unknown_file_is_told_every_format(tmp_path):
    with pytest.raises(ValueError, match=r"one of .ts, .arff, .tsv, .txt, .csv, .npz, .npy"):
        datasets.read(tmp_path / "it.xyz")
