"""Save a trained network and its estimator's state in one file.

The file is a Keras `.keras` archive with an additional entry, `mlstm_fcn.json`. Keras ignores that entry, so
Keras can load the file too. Nothing is pickled, and the file is loaded in Keras' safe mode.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mlstm_fcn import __version__
from mlstm_fcn._checks import require
from mlstm_fcn._files import crc, written_whole

if TYPE_CHECKING:
    import keras

SUFFIXES = (".keras", ".mlstm")
ENTRY = "mlstm_fcn.json"
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
FORMAT = 6


def write_archive(path: Path | str, model: keras.Model, about: dict[str, Any]) -> None:
    """Write a model and its metadata.

    Args:
        path: The file. The suffix is `.keras` or `.mlstm`; both have the same content. An existing file is
            replaced atomically.
        model: The model.
        about: Metadata that JSON can hold.

    Raises:
        ValueError: If the suffix is another one.
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
    about = _read_about(path)
    engine.ready()
    with TemporaryDirectory() as folder:  # Keras requires the suffix .keras
        keras_path = Path(folder) / "model.keras"
        shutil.copyfile(path, keras_path)
        try:
            return keras.saving.load_model(keras_path, safe_mode=True), about
        except Exception as error:  # Keras raises many types for a damaged file
            raise ValueError(f"{path} is damaged: {error}") from error


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
    try:
        with zipfile.ZipFile(path) as archive:
            outside = [name for name in archive.namelist() if not _is_inside(name)]
            packed = {entry.compress_type for entry in archive.infolist()}
            require(packed <= _PACKED, "Entries must be stored or deflated.", packed=packed)
            about = json.loads(archive.read(ENTRY))
            sums = _sums(archive)
    except KeyError:
        raise ValueError(f"{path} was not written by this package: it has no entry {ENTRY}.") from None
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged, or not a Keras archive: {error}") from error
    require(not outside, f"{path} has entries outside of its folder.", entries=outside)
    require(isinstance(about, dict), f"{path} is damaged: {ENTRY} must hold a JSON object.")
    readable = about.get("format") == FORMAT
    require(
        readable,
        f"{path} must have format {FORMAT} to be read by version {__version__}.",
        format=about.get("format"),
        written_by=about.get("version"),
    )
    unchanged = about.get("sha256") == sums and about.pop("crc", None) == crc(about)
    require(unchanged, f"{path} is damaged: it was changed after it was saved.")
    if about.get("version") != __version__:
        text = f"{path} was written by version {about.get('version')}, and this is version {__version__}."
        warnings.warn(text, UserWarning, stacklevel=3)
    return about


def _sums(archive: zipfile.ZipFile) -> dict[str, str]:
    """The SHA-256 of each entry except `ENTRY`, which stores them."""
    names = sorted(set(archive.namelist()) - {ENTRY})
    return {name: _sum(archive, name) for name in names}


def _sum(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as entry:
        while part := entry.read(1 << 20):  # the stated size is not trusted
            digest.update(part)
    return digest.hexdigest()


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and ":" not in name
