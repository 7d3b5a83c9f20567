"""A data set comes from the first place that has it; what differs from its check sum is refused."""

import hashlib
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mlstm_fcn import datasets
from mlstm_fcn.datasets import fetch, places
from tests import fetching
from tests.fetching import left, partials
from tests.web import Site, served

archive, cache, mirror = fetching.archive, fetching.cache, fetching.mirror


def test_a_mirror_is_asked_once_and_then_the_cache(mirror, cache, archive):
    problem = datasets.load("Coffee")
    assert (
        repr(problem) == "Problem('Coffee': 20 training and 20 test cases, 1 channels, 400 steps, 2 classes)"
    )
    np.testing.assert_array_equal(problem.X_test, datasets.read(archive / "Coffee_TEST.ts")[0])
    again = datasets.load("Coffee", offline=True)
    np.testing.assert_array_equal(again.X_train, problem.X_train)
    assert mirror.requests == ["/Coffee.zip"]
    assert "Coffee" in datasets.here()
    content = (cache / "Coffee.zip").read_bytes()
    note = (cache / "Coffee.zip.sha256").read_text().split()
    assert note == [hashlib.sha256(content).hexdigest(), os.environ["MLSTM_FCN_MIRROR"]]
    assert partials(cache) == []


def test_a_mirror_may_be_a_folder_and_may_have_data_sets_of_ones_own(archive, cache, monkeypatch, tmp_path):
    monkeypatch.setenv("MLSTM_FCN_MIRROR", str(archive))
    assert len(datasets.load("Coffee").y_train) == 20
    own = tmp_path / "my own"
    own.mkdir()
    with zipfile.ZipFile(own / "Ours.zip", "w") as made:
        for part in ("TRAIN", "TEST"):
            made.write(archive / f"Coffee_{part}.ts", f"Ours/Ours_{part}.ts")
    for number, place in enumerate((str(own), own.as_uri())):  # the second with %20
        monkeypatch.setenv("MLSTM_FCN_MIRROR", place)
        monkeypatch.setenv("MLSTM_FCN_CACHE", str(tmp_path / f"cache {number}"))
        assert len(datasets.load("Ours").y_train) == 20


def test_zenodo_is_asked_next_and_its_check_sums_are_compared(archive, cache, monkeypatch):
    parts = {part: (archive / part).read_bytes() for part in ("Coffee_TRAIN.ts", "Coffee_TEST.ts")}
    record = f"/api/records/{datasets.describe('Coffee').zenodo}"

    def about(base):
        files = [
            {
                "key": part,
                "links": {"self": f"{base}/{part}"},
                "checksum": f"md5:{hashlib.md5(body).hexdigest()}",
            }
            for part, body in parts.items()
        ]
        return json.dumps({"files": files}).encode()

    site = Site({record: about} | {f"/{part}": body for part, body in parts.items()})
    with served(site) as url:
        monkeypatch.setattr(fetch, "ZENODO", url)
        assert len(datasets.load("Coffee").y_test) == 20
        (cache / "Coffee.zip").unlink()
        site.files["/Coffee_TEST.ts"] = parts["Coffee_TEST.ts"].replace(b"1", b"2")
        with pytest.raises(datasets.FetchError, match=r"Coffee_TEST.ts has md5 .* is published"):
            datasets.load("Coffee")
    assert not (cache / "Coffee.zip").exists()


@pytest.mark.parametrize(
    "answer",
    [
        {"files": None},
        {"files": [{"key": "Coffee_TRAIN.ts"}]},
        {"files": [{"key": "Coffee_TRAIN.ts", "links": {"self": "x"}}]},
        [1],
        {"files": [{"key": "Coffee_TRAIN.ts", "links": {"self": "/"}, "checksum": "foo:1"}]},
    ],
)
def test_an_odd_answer_of_zenodo_is_no_obstacle(answer, archive, cache, monkeypatch):
    record = f"/api/records/{datasets.describe('Coffee').zenodo}"
    content = (archive / "Coffee.zip").read_bytes()
    with served(Site({record: json.dumps(answer).encode(), "/Coffee.zip": content})) as url:
        monkeypatch.setattr(fetch, "ZENODO", url)
        monkeypatch.setattr(fetch, "SITE", url)
        assert len(datasets.load("Coffee").y_test) == 20


def test_an_archive_of_something_else_is_no_obstacle(mirror, archive, cache, monkeypatch):
    whole = mirror.files["/Coffee.zip"]
    with zipfile.ZipFile(archive / "half.zip", "w") as half:
        half.write(archive / "Coffee_TRAIN.ts", "Coffee_TRAIN.ts")
    mirror.files["/Coffee.zip"] = (archive / "half.zip").read_bytes()
    with served(Site({"/Coffee.zip": whole})) as url:
        monkeypatch.setattr(fetch, "SITE", url)
        assert len(datasets.load("Coffee").y_test) == 20
    assert url in (cache / "Coffee.zip.sha256").read_text()


def test_a_damaged_archive_in_the_cache_is_downloaded_anew(mirror, cache):
    cache.mkdir()
    (cache / "Coffee.zip").write_bytes(b"PK damaged")
    assert "Coffee" not in datasets.here()
    assert len(datasets.load("Coffee").y_test) == 20


def test_a_password_in_the_mirrors_address_is_not_shown(cache, monkeypatch):
    monkeypatch.setenv("MLSTM_FCN_MIRROR", "http://me:secret@127.0.0.1:9")
    with pytest.raises(datasets.FetchError) as error:
        datasets.load("Coffee")
    assert "127.0.0.1:9" in str(error.value)
    assert "secret" not in str(error.value)
    with served(Site({})) as url:
        monkeypatch.setenv("MLSTM_FCN_MIRROR", url.replace("//", "//me:secret@"))
        with pytest.raises(datasets.FetchError, match="404") as error:
            datasets.load("Coffee")
    assert "secret" not in str(error.value)


def test_the_archives_site_is_asked_last(archive, cache, monkeypatch):
    with served(Site({"/Coffee.zip": (archive / "Coffee.zip").read_bytes()})) as url:
        monkeypatch.setattr(fetch, "SITE", url)
        assert len(datasets.load("Coffee").y_test) == 20


def test_every_place_that_was_asked_is_named(mirror, cache):
    del mirror.files["/Coffee.zip"]
    with pytest.raises(datasets.FetchError) as error:
        datasets.load("Coffee")
    assert "404" in str(error.value)
    assert str(error.value).count("\n  http://127.0.0.1") == 3
    assert mirror.requests == ["/Coffee.zip"]
    assert left(cache) == []


def test_a_page_instead_of_an_archive_is_refused(mirror, cache):
    mirror.files["/Coffee.zip"] = b"<html>Not found, but with status 200</html>"
    with pytest.raises(datasets.FetchError, match="is not a zip archive, or is damaged"):
        datasets.load("Coffee")
    assert left(cache) == []


def test_an_archive_that_has_changed_is_refused(mirror, cache, archive):
    datasets.load("Coffee")
    (cache / "Coffee.zip").unlink()
    with zipfile.ZipFile(archive / "other.zip", "w") as other:
        for part in ("Coffee_TRAIN.ts", "Coffee_TEST.ts"):
            other.write(archive / "Coffee_TRAIN.ts", part)
    mirror.files["/Coffee.zip"] = (archive / "other.zip").read_bytes()
    with pytest.raises(datasets.FetchError, match=r"its SHA-256 is .* first download had .* delete .*sha256"):
        datasets.load("Coffee")
    assert not (cache / "Coffee.zip").exists()
    (cache / "Coffee.zip.sha256").unlink()
    assert len(datasets.load("Coffee").y_test) == 20


def test_each_place_is_compared_with_its_own_first_download(archive, cache, monkeypatch, tmp_path):
    first, second = (archive / "Coffee.zip").read_bytes(), tmp_path / "other.zip"
    with zipfile.ZipFile(second, "w") as other:
        for part in ("Coffee_TRAIN.ts", "Coffee_TEST.ts"):
            other.write(archive / "Coffee_TEST.ts", part)
    sites = [Site({"/Coffee.zip": first}), Site({"/Coffee.zip": second.read_bytes()})]

    def load_from(url):
        monkeypatch.setenv("MLSTM_FCN_MIRROR", url)
        (cache / "Coffee.zip").unlink(missing_ok=True)
        return datasets.load("Coffee")

    with served(sites[0]) as one, served(sites[1]) as two:
        for url in (one, two, one, two):
            load_from(url)
        assert len((cache / "Coffee.zip.sha256").read_text().splitlines()) == 2
        sites[0].files, sites[1].files = sites[1].files, sites[0].files
        for url in (one, two):
            with pytest.raises(datasets.FetchError, match="its SHA-256 is"):
                load_from(url)


def test_offline_says_where_it_looked(cache, mirror):
    with pytest.raises(FileNotFoundError, match=r"offline=True forbids a download. Searched: .*cache"):
        datasets.load("Coffee", offline=True)
    assert mirror.requests == []


def test_the_cache_is_in_the_users_folder_unless_named(monkeypatch):
    monkeypatch.delenv("MLSTM_FCN_CACHE")
    folder = places.cache_folder()
    assert folder.name == "mlstm_fcn"
    assert folder.is_relative_to(Path.home())
