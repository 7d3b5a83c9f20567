"""A download that fails, breaks off, is too large or is killed leaves no data set, and the next one works."""

import gzip
import io
import resource
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mlstm_fcn import datasets
from mlstm_fcn.datasets import fetch
from tests import fetching
from tests.fetching import left, partials

archive, cache, mirror = fetching.archive, fetching.cache, fetching.mirror


@pytest.mark.parametrize("fault", ["truncate", "error", "stall"])
def test_a_passing_fault_is_tried_again(fault, mirror, cache):
    mirror.faulty(fault, times=1)
    assert len(datasets.load("Coffee").y_test) == 20
    assert len(mirror.requests) == 2


@pytest.mark.parametrize("fault", ["truncate", "error", "stall"])
def test_a_lasting_fault_leaves_nothing_and_the_next_call_works(fault, mirror, cache):
    mirror.faulty(fault)
    with pytest.raises(
        datasets.FetchError,
        match=r"Coffee could not be downloaded. Put Coffee.zip into a folder and set MLSTM_FCN_DATA",
    ):
        datasets.load("Coffee")
    assert left(cache) == []
    mirror.faulty(None)
    assert len(datasets.load("Coffee").y_test) == 20


def test_a_server_that_is_down(cache):
    with pytest.raises(datasets.FetchError, match="Connection refused"):
        datasets.load("Coffee")
    assert left(cache) == []


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_download_that_breaks_off_continues_where_it_ended(attempts, mirror, cache, monkeypatch):
    """In the next attempt of the same call, or in the next call."""
    monkeypatch.setattr("mlstm_fcn.datasets.transfer.WAITS", (0.0,) * (attempts - 1))
    mirror.version = '"1"'
    mirror.faulty("truncate", times=1)
    if attempts == 1:
        with pytest.raises(datasets.FetchError, match="Connection broken"):
            datasets.load("Coffee")
        assert len(left(cache)) == 2  # the part, and the version of the file
    assert len(datasets.load("Coffee").y_test) == 20
    assert mirror.sent == len(mirror.files["/Coffee.zip"])
    assert partials(cache) == []


def test_a_part_of_an_older_version_is_not_continued(mirror, cache, monkeypatch):
    monkeypatch.setattr("mlstm_fcn.datasets.transfer.WAITS", ())
    mirror.version = '"1"'
    mirror.faulty("truncate", times=1)
    with pytest.raises(datasets.FetchError):
        datasets.load("Coffee")
    whole, mirror.version = mirror.files["/Coffee.zip"], '"2"'
    assert len(datasets.load("Coffee").y_test) == 20
    assert mirror.sent == len(whole) // 2 + len(whole)


@pytest.mark.parametrize("size", ["told", "compressed"])
def test_more_than_a_data_set_can_have_is_not_downloaded(size, mirror, cache, monkeypatch):
    monkeypatch.setattr(fetch, "_BYTES_MORE", 0)
    monkeypatch.setattr("mlstm_fcn.datasets.transfer.WAITS", (0.0,))
    assert fetch._most_bytes("Coffee") == 56 * 286 * 100
    body = b"0" * 2_000_000
    mirror.files["/Coffee.zip"] = gzip.compress(body) if size == "compressed" else body
    mirror.encoding = "gzip" if size == "compressed" else None
    with pytest.raises(datasets.FetchError, match="must have at most 1601600 bytes"):
        datasets.load("Coffee")
    assert mirror.requests == ["/Coffee.zip"]  # another attempt would not help
    assert left(cache) == []


def test_an_archive_that_unpacks_to_more_than_a_data_set_can_have_is_refused(mirror, cache, monkeypatch):
    monkeypatch.setattr(fetch, "_BYTES_MORE", -1_000_000)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("Coffee_TRAIN.ts", b"0" * 700_000)
    mirror.files["/Coffee.zip"] = content.getvalue()
    with pytest.raises(datasets.FetchError, match="unpacks to 700000 bytes, over 601600"):
        datasets.load("Coffee")


def test_a_download_that_drips_for_too_long_is_given_up(mirror, cache, monkeypatch):
    monkeypatch.setattr("mlstm_fcn.datasets.transfer.LONGEST", 0.0)
    with pytest.raises(datasets.FetchError, match="arrive within 0 s"):
        datasets.load("Coffee")
    assert len(mirror.requests) == 1


def test_a_cache_that_cannot_be_written(mirror, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MLSTM_FCN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(datasets.FetchError, match=r"Coffee could not be written to .*cache"):
        datasets.load("Coffee")


CHILD = """
import sys
from mlstm_fcn import datasets
from mlstm_fcn.datasets import fetch, transfer
transfer.TIMEOUT, transfer.WAITS, fetch.ZENODO, fetch.SITE = 20, (), "http://127.0.0.1:9", "http://127.0.0.1:9"
print(repr(datasets.load("Coffee")))
"""


def child(limit=None):
    return subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
        preexec_fn=limit,
    )


def test_killed_in_the_middle(mirror, cache):
    mirror.faulty("stall", times=1)
    process = child()
    assert mirror.half_sent.wait(60)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not (cache / "Coffee.zip").exists()
    assert len(partials(cache)) == 1
    assert len(datasets.load("Coffee").y_test) == 20
    assert partials(cache) == []


def test_two_processes_at_once(mirror, cache):
    processes = [child(), child()]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert "20 training and 20 test cases" in out, err
    assert len(mirror.requests) in (1, 2)
    assert partials(cache) == []


def test_a_full_disk(mirror, cache, archive):
    size = (archive / "Coffee.zip").stat().st_size

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))

    process = child(limit)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "FetchError: Coffee could not be written to" in err
    assert left(cache) == []
    assert len(datasets.load("Coffee").y_test) == 20
