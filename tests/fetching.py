"""A small data set at a mirror, and a cache for it: fixtures for the test files that assign them."""

import zipfile

import numpy as np
import pytest

from mlstm_fcn import datasets
from tests.web import Site, served


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A zip of a small data set that is in the catalogue, but not with sktime."""
    folder = tmp_path_factory.mktemp("made")
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(folder / "Coffee.zip", "w", zipfile.ZIP_DEFLATED) as made:
        for part in ("Coffee_TRAIN.ts", "Coffee_TEST.ts"):
            datasets.write(folder / part, rng.normal(size=(20, 1, 400)), ["0", "1"] * 10)
            made.write(folder / part, part)
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MLSTM_FCN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("mlstm_fcn.datasets.transfer.WAITS", (0.0, 0.0))
    monkeypatch.setattr("mlstm_fcn.datasets.transfer.TIMEOUT", 0.5)
    return tmp_path / "cache"


@pytest.fixture
def mirror(archive, monkeypatch):
    site = Site({"/Coffee.zip": (archive / "Coffee.zip").read_bytes()})
    with served(site) as url:
        monkeypatch.setenv("MLSTM_FCN_MIRROR", url)
        yield site


def partials(cache):
    return [path for path in cache.rglob(".partial-*") if path.is_dir()]


def left(cache):
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file())
