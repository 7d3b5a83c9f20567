"""Arrays, archives and checkpoints that lie are refused before they are read."""

import io
import json
import struct
import zipfile

import keras
import numpy as np
import pytest

from mlstm_fcn import _archives, datasets
from mlstm_fcn._npy import write_arrays
from mlstm_fcn.datasets.formats import Source
from tests import hostile
from tests.hostile import not_called


def header(descr, shape, content=b""):
    about = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(about)) + about + content


LYING = [
    header("<U500000000", (2,), b"a" * 80),
    header("<f8", (10**9,), b"a" * 80),
    header("<f8", (-1,), b"a" * 80),
    header("|O", (1,), b"a" * 80),
    header("|V8", (1,), b"a" * 80),
    header("<U0", (10**15,)),
    header([("a", "<f8")], (1,), b"a" * 80),
    b"\x93NUMPY\x03\x00" + b"a" * 80,
    b"",
]


@pytest.mark.parametrize("content", LYING, ids=range(len(LYING)))
def test_arrays_that_lie_are_refused_before_they_are_made(content, tmp_path, monkeypatch):
    monkeypatch.setattr(np.lib.format, "read_array", not_called)
    monkeypatch.setattr(np, "load", not_called)
    with zipfile.ZipFile(tmp_path / "it.npz", "w") as archive:
        for name in ("X", "y"):
            archive.writestr(f"{name}.npy", content)
    (tmp_path / "X_train.npy").write_bytes(content)
    (tmp_path / "y_train.npy").write_bytes(content)
    for path, memory_map in (("it.npz", False), ("X_train.npy", False), ("X_train.npy", True)):
        with pytest.raises(datasets.FormatError):
            datasets.read(tmp_path / path, memory_map=memory_map)
    checkpoint = hostile.checkpoint(tmp_path / "it.npz")
    with pytest.raises(ValueError, match="is damaged, or not a checkpoint"):
        checkpoint.resume(keras.callbacks.CallbackList([]))


def test_arrays_that_inflate_are_refused_before_they_do(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "it.npz", X=np.zeros((10, 1, 300_000)), y=np.zeros(10))
    monkeypatch.setattr(zipfile.ZipFile, "open", not_called)
    with pytest.raises(datasets.FormatError, match="a zip bomb"):
        datasets.read(tmp_path / "it.npz")


def test_series_that_are_almost_all_the_same_come_back(tmp_path):
    X = np.zeros((10, 1, 300_000))
    datasets.write(tmp_path / "it.npz", X, ["a"] * 10)
    np.testing.assert_array_equal(datasets.read(tmp_path / "it.npz")[0], X)


@pytest.mark.parametrize("limit", ["MAX_ENTRIES", "MAX_BYTES"])
def test_archives_have_limits(limit, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "it.zip", "w") as archive:
        archive.writestr("a", "12")
        archive.writestr("b", "34")
    assert _archives.members(tmp_path / "it.zip") == ["a", "b"]
    monkeypatch.setattr(_archives, limit, 1)
    with pytest.raises(_archives.UnsafeArchiveError, match="is refused"):
        _archives.members(tmp_path / "it.zip")


def test_two_entries_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "it.zip", "w") as archive:
        archive.writestr("a", "12")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", "34")
    with pytest.raises(_archives.UnsafeArchiveError, match="same name"):
        _archives.members(tmp_path / "it.zip")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_packed_in_rare_ways_are_a_format_error(compression, tmp_path):
    with zipfile.ZipFile(tmp_path / "it.zip", "w", compression) as archive:
        archive.writestr("it.ts", "1,2")
    with pytest.raises(datasets.FormatError, match="neither stored nor deflated"):
        datasets.read(Source(tmp_path / "it.zip", "it.ts"))


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("of"),
        lambda values: values.pop("history"),
        lambda values: values["history"].pop("loss"),
        lambda values: values["history"]["accuracy"].pop(),
        lambda values: values["history"].update(loss=["1", "2"]),
        lambda values: values["rng"].update(bit_generator="MT19937"),
        lambda values: values.update(rng=None),
        lambda values: values["best"].update(epoch=7),
        lambda values: values["best"].update(lowest=None),
    ],
)
def test_checkpoints_that_lie_are_refused_and_change_nothing(change, tmp_path):
    checkpoint = hostile.checkpoint(tmp_path / "it.npz")
    checkpoint.save()
    entries = hostile.zip_entries(tmp_path / "it.npz")
    values = json.loads(str(np.load(io.BytesIO(entries["values.npy"]))))
    change(values)
    entries["values.npy"] = hostile.npy(np.array(json.dumps(values)))
    with zipfile.ZipFile(tmp_path / "it.npz", "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    before = [np.array(variable) for variable in checkpoint._variables()]
    with pytest.raises(ValueError, match=r"checkpoint|belongs to"):
        checkpoint.resume(keras.callbacks.CallbackList([]))
    for old, variable in zip(before, checkpoint._variables(), strict=True):
        np.testing.assert_array_equal(old, variable)


def test_objects_are_not_written_since_reading_them_would_need_pickle(tmp_path):
    with (tmp_path / "it.npz").open("wb") as file:
        with pytest.raises(ValueError, match=r"numbers, bools or strings.*name='y', dtype='object'"):
            write_arrays(file, {"X": np.zeros(2), "y": np.array(["a", None])})
        assert file.tell() == 0
