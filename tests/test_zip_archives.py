"""Archives that could do harm are refused before anything in them is read."""

import io
import stat
import zipfile

import numpy as np
import pytest

from mlstm_fcn import _archives as archives
from mlstm_fcn import datasets

LINE = "@classLabel true a b\n@data\n1,2:a\n3,4:b\n"


@pytest.fixture
def pack(tmp_path):
    def pack(*members, compression=zipfile.ZIP_DEFLATED):
        path = tmp_path / "It.zip"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in members:
                archive.writestr(name, content)
        return path

    return pack


def link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../It_TRAIN.ts", "a path that leaves the folder"),
        ("a/../../It_TRAIN.ts", "a path that leaves the folder"),
        ("/etc/It_TRAIN.ts", "a path that leaves the folder"),
        ("..\\It_TRAIN.ts", "a path that leaves the folder"),
        ("C:\\It_TRAIN.ts", "a path that leaves the folder"),
        (link("It_TRAIN.ts"), "a symbolic link"),
    ],
)
def test_unsafe_paths_are_refused(name, reason, pack, tmp_path):
    pack(("It_TEST.ts", LINE), (name, LINE))
    with pytest.raises(archives.UnsafeArchiveError, match=f"is refused: {reason}. Received:"):
        archives.members(tmp_path / "It.zip")
    with pytest.raises(ValueError, match=reason):
        datasets.load("It", folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["It.zip"]


def test_a_bomb_is_refused_unopened(pack, monkeypatch):
    path = pack(("It_TRAIN.ts", b"0" * 3_000_000))
    monkeypatch.setattr(archives, "SMALL", 1_000_000)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(archives.UnsafeArchiveError, match=r"a zip bomb, .* bytes that unpack to 3000000"):
        archives.members(path)


def test_a_member_that_is_bigger_than_it_says_is_refused(pack):
    content = bytearray(pack(("It_TRAIN.ts", b"0" * 100_000)).read_bytes())
    size = (100_000).to_bytes(4, "little")
    content = content.replace(size, (10).to_bytes(4, "little"))
    path = pack()
    path.write_bytes(content)
    with pytest.raises(archives.UnsafeArchiveError, match="damaged"):
        archives.require_whole(path)


def test_an_encrypted_member_is_refused(pack):
    path = pack(("It_TRAIN.ts", LINE), compression=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    central = content.rindex(b"PK\x01\x02")
    content[central + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(archives.UnsafeArchiveError, match="an encrypted file"):
        archives.members(path)


def test_every_single_damaged_byte_is_refused_or_harmless(pack):
    whole = pack(("It_TRAIN.ts", LINE * 20), ("It_TEST.ts", LINE)).read_bytes()
    path = pack()
    expected = {"It_TRAIN.ts": LINE * 20, "It_TEST.ts": LINE}
    refused = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            archives.require_whole(path)
        except archives.UnsafeArchiveError:
            refused += 1
            continue
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                assert archive.read(name).decode() in expected.values()
    assert refused > len(whole) // 2


def test_authors_arrays_are_read_from_an_archive(pack, tmp_path):
    def npy(array):
        file = io.BytesIO()
        np.save(file, array)
        return file.getvalue()

    X, y = np.arange(24.0).reshape(2, 3, 4), np.array([[1], [2]], np.uint8)
    parts = [(f"It/X_{split}.npy", npy(X)) for split in ("train", "test")]
    pack(*parts, *((name.replace("X_", "y_"), npy(y)) for name, _ in parts))
    problem = datasets.load("It", folder=tmp_path)
    np.testing.assert_array_equal(problem.X_train, X)
    np.testing.assert_array_equal(problem.X_test, X)
    assert problem.y_test.tolist() == ["1", "2"]
