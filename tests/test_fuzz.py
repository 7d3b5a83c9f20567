"""Damaged files are read or refused with the documented error: no other one, no hang, no wrong shape."""

import io
import random
import time
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest

from mlstm_fcn import datasets
from mlstm_fcn.datasets import FormatError, read, write
from mlstm_fcn.datasets.formats import Source
from tests import hostile

FILES = 10_000
FORMATS = [".ts", ".arff", ".tsv", ".npz", "stamped.ts", "large.ts", "lengths.npz"]


class Memory(Source):
    """A file that is not on disk, so that ten thousand can be read in seconds."""

    @contextmanager
    def open(self):
        yield io.BytesIO(self.path.content)


class Content:
    def __init__(self, name, content):
        self.name, self.content = name, content

    def __str__(self):
        return self.name


def mutated(content, rnd):
    """Some bytes flipped, lines dropped or doubled, or the end cut off."""
    content = bytearray(content)
    for _ in range(rnd.randint(1, 4)):
        kind = rnd.random()
        if kind < 0.5 and content:
            content[rnd.randrange(len(content))] = rnd.choice(b"0123456789,.:;-+eE?@#%'\"\\n()\t \x00\xff")
        elif kind < 0.7:
            lines = bytes(content).splitlines(keepends=True)
            if lines:
                place = rnd.randrange(len(lines))
                lines[place : place + 1] = [] if rnd.random() < 0.5 else [lines[place]] * 2
            content = bytearray(b"".join(lines))
        elif kind < 0.85:
            content = content[: rnd.randint(0, len(content))]
        elif content:
            content[rnd.randrange(len(content))] ^= 1 << rnd.randrange(8)
    return bytes(content)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("whole")
    labels = ["Yes", "no", "3", "Yes"]
    for suffix in (".ts", ".arff", ".npz"):
        X = rng.normal(size=(4, 2, 6))
        X[1, 0, 2] = np.nan
        write(folder / f"it{suffix}", X if suffix != ".arff" else [X[0], X[1, :, :3], X[2], X[3]], labels)
    write(folder / "it.tsv", [rng.normal(size=(1, steps)) for steps in (6, 4, 6, 5)], labels)
    stamped = "@timeStamps true\n@classLabel true a b\n@data\n(0,1.5),(1,-2):(0,3),(1,4):a\n(0,1):(0,2):b\n"
    (folder / "itstamped.ts").write_text(stamped)
    write(folder / "itlarge.ts", rng.normal(size=(40, 2, 60)), labels * 10)
    write(folder / "itlengths.npz", [rng.normal(size=(2, steps)) for steps in (6, 4, 6, 5)], labels)
    return {suffix: (folder / f"it{suffix}").read_bytes() for suffix in FORMATS}


def test_damaged_archives_give_series_or_a_format_error(whole, tmp_path):
    with zipfile.ZipFile(tmp_path / "it.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("it.ts", whole[".ts"])
    content = bytearray((tmp_path / "it.zip").read_bytes())
    refused = 0
    for place in range(30, len(content) - 70):
        damaged = content.copy()
        damaged[place] ^= 0x55
        (tmp_path / "it.zip").write_bytes(damaged)
        try:
            X, _ = read(Source(tmp_path / "it.zip", "it.ts"))
        except FormatError:
            refused += 1
            continue
        np.testing.assert_array_equal(X, read(Memory(Content("it.ts", whole[".ts"])))[0])
    assert refused > 200


@pytest.mark.parametrize("suffix", FORMATS)
def test_damaged_files_give_series_or_a_format_error(suffix, whole):
    rnd = random.Random(suffix)
    read_well = 0
    for _ in range(FILES // len(FORMATS)):
        content = mutated(whole[suffix], rnd)
        try:
            X, y = read(Memory(Content(f"it{suffix}", content)))
        except FormatError:
            continue
        read_well += 1
        assert len(X) > 0
        assert len(y) in (0, len(X))
        assert all(case.ndim == 2 and case.size and case.dtype == np.float64 for case in X)
        assert len({len(case) for case in X}) == 1
    assert read_well > 0


@pytest.fixture(scope="module")
def attack(tmp_path_factory):
    return hostile.Attack(tmp_path_factory.mktemp("attack"))


@pytest.mark.parametrize(("kind", "least"), [("model", 2), ("checkpoint", 1), ("sidecar", 2), ("onnx", 1)])
def test_mutated_files_are_opened_or_refused_with_a_documented_error(kind, least, attack):
    """`python -m tests.hostile 10000` is the same for many more, with limits of time and memory."""
    results = [attack.open_mutated(kind, seed) for seed in range(30)]
    assert results.count("opened") >= least
    assert results.count("refused") >= least


def seconds_to_read(path, text, message=""):
    path.write_text(text)
    start = time.perf_counter()
    if message:
        with pytest.raises(datasets.FormatError, match=message):
            datasets.read(path)
    else:
        datasets.read(path)
    return time.perf_counter() - start


HEADER = "@classLabel true a\n@data\n"
ARFF = "@relation r\n@attribute t numeric\n@attribute target {a}\n@data\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("it.ts", f"{HEADER}1,{'x' * 4_000_000}:a\n", "line 3, column 3: .* value 2 of channel 1"),
        ("it.ts", f"{HEADER}{'1,' * 500_000}x:a\n", "column 1000001: .* value 500001 of channel 1"),
        ("it.ts", f"@timestamps true\n{HEADER}({'a' * 2_000_000}b,{'a' * 1_000_000}):a\n", "column 2000004"),
        ("it.arff", f"{ARFF}1,{' ' * 50_000},'x','y'\n", "values, a comma and a label"),
    ],
    ids=["token", "last value", "stamp", "spaces"],
)
def test_malformed_text_is_refused_in_linear_time(name, text, message, tmp_path):
    assert seconds_to_read(tmp_path / name, text, message) < 2


def test_labels_are_looked_up_in_the_same_time_however_many(tmp_path):
    labels = [f"c{i}" for i in range(20_000)]
    cases = "".join(f"1,2:{label}\n" for label in labels)
    assert seconds_to_read(tmp_path / "it.ts", f"@classLabel true {' '.join(labels)}\n@data\n{cases}") < 2
    assert (
        seconds_to_read(tmp_path / "it.ts", f"@classLabel true {' '.join(labels)}\n@data\n1:x", "c99, ...")
        < 2
    )
