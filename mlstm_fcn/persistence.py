"""Save a trained network and its estimator's state in one file.

The file is a Keras `.keras` archive with an additional entry, `mlstm_fcn.json`. Keras ignores that entry, so
Keras can load the file too. Nothing is pickled, and the file is loaded in Keras' safe mode, after checks that
it reads nothing else, and takes no more memory than its size says.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstm_fcn import __version__, _hdf5
from mlstm_fcn import _archives as archives
from mlstm_fcn._checks import require
from mlstm_fcn._files import crc, damage_of, scratch_folder, written_whole
from mlstm_fcn._warnings import warn

if TYPE_CHECKING:
    import keras

SUFFIXES = (".keras", ".mlstm")
ENTRY = "mlstm_fcn.json"
_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_NAMES = {"metadata.json", _CONFIG, _WEIGHTS, ENTRY}
_SPARE = 10_000  # values that a network may have in addition to those in its file
FORMAT = 6


def write_archive(path: Path | str, model: keras.Model, about: dict[str, Any]) -> None:
    """Write a model and its metadata.

    Args:
        path: The file. The suffix is `.keras` or `.mlstm`; both have the same content. An existing file is
            replaced atomically.
        model: The model.
        about: Metadata that JSON can hold.

    Raises:
        ValueError: If the suffix is another one, or `read_archive` would refuse the file.
        TypeError: If JSON cannot hold a value.
        OSError: If the file cannot be written.
    """
    json.dumps(about)  # raises before anything is written
    with written_whole(checked_path(path), suffix=".keras") as partial:
        model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            about = {**about, "format": FORMAT, "version": __version__, "sha256": _sums(archive)}
            about["crc"] = crc(json.loads(json.dumps(about)))  # JSON turns all keys into strings
            archive.writestr(ENTRY, json.dumps(about, indent=1))
        with archives.opened(partial) as archive:
            _require_plain(archive)


def read_archive(path: Path | str) -> tuple[keras.Model, dict[str, Any]]:
    """Read a file written by `write_archive`.

    Returns:
        The model and its metadata.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is damaged, was not written by this package, or has an unsupported format.
        RuntimeError: If the process is a fork of one in which the backend has run.
    """
    import keras

    import mlstm_fcn.layers  # noqa: F401  (registers the layers)
    from mlstm_fcn import engine

    path = Path(path)
    engine.ready()  # quietly: to count weights starts the backend too
    with damage_of(path):
        about = _read_about(path)
        _require_version(path, about)
    with damage_of(path), scratch_folder() as folder:  # Keras requires the suffix .keras
        keras_path = folder / "model.keras"
        shutil.copyfile(path, keras_path)
        return keras.saving.load_model(keras_path, compile=False, safe_mode=True), about


def checked_path(path: Path | str) -> Path:
    """Check, before training, that a model can be written to a path.

    Raises:
        ValueError: If the suffix is not `.keras` or `.mlstm`, or the path is a folder.
        FileNotFoundError: If the parent folder does not exist.
    """
    path = Path(path)
    require(path.suffix in SUFFIXES, f"The file name must end in {' or '.join(SUFFIXES)}.", path=str(path))
    require(not path.is_dir(), "The path must be a file, not a folder.", path=str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder {path.parent} does not exist.")
    return path


def _read_about(path: Path) -> dict[str, Any]:
    """The metadata, after all checks of the file."""
    with archives.opened(path) as archive:
        rule = f"{path} was not written by this package: it has no entry {ENTRY}."
        require(ENTRY in archive.namelist(), rule)
        about = json.loads(archive.read(ENTRY))
        require(isinstance(about, dict), f"{path} is damaged: {ENTRY} must hold a JSON object.")
        _require_format(path, about)
        unchanged = about.get("sha256") == _sums(archive) and about.pop("crc", None) == crc(about)
        require(unchanged, f"{path} is damaged: it was changed after it was saved.")
        n_stored = _require_plain(archive)
        n_declared = _n_declared(archive.read(_CONFIG).decode())
    rule = f"{path} is damaged: its network must have the weights that are stored."
    require(n_declared <= n_stored + _SPARE, rule, network=n_declared, stored=n_stored)
    return about


def _require_plain(archive: zipfile.ZipFile) -> int:
    """Check that an archive is a network with plain weights; returns the number of its weights."""
    other = sorted(set(archive.namelist()) ^ _NAMES)
    rule = f"The file must hold {', '.join(sorted(_NAMES))}, and nothing else."
    require(not other, rule, missing_or_extra=other[:5])
    return _hdf5.n_values(archive.read(_WEIGHTS))


def _n_declared(config: str) -> int:
    """Number of weights of a network, of which none is made.

    Keras keeps the weights to be made later for each thread: they end with this one.
    """
    import keras

    def count() -> int:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.models.model_from_json(config)
        return sum(math.prod(variable.shape) for variable in model.variables)

    with ThreadPoolExecutor(1) as thread:
        try:
            return thread.submit(count).result()
        except ValueError as error:
            own = any(not name.startswith("mlstm_fcn>") for name in keras.saving.get_custom_objects())
            if own and "stateless scope" in str(error):  # the user's own layers may make weights at once
                return 0
            raise


def _require_format(path: Path, about: dict[str, Any]) -> None:
    rule = f"{path} must have format {FORMAT} to be read by version {__version__}."
    found = {"format": about.get("format"), "written_by": about.get("version")}
    require(found["format"] == FORMAT, rule, **found)


def _require_version(path: Path, about: dict[str, Any]) -> None:
    if about.get("version") != __version__:
        text = f"{path} was written by version {about.get('version')}, and this is version {__version__}."
        warn(text)


def _sums(archive: zipfile.ZipFile) -> dict[str, str]:
    """The SHA-256 of each entry except `ENTRY`, which stores them."""
    names = sorted(set(archive.namelist()) - {ENTRY})
    return {name: _sum(archive, name) for name in names}


def _sum(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as entry:
        while part := entry.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
