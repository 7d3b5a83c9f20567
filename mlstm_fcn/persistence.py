"""A trained network and what its estimator knows, as one file.

The file is Keras' own `.keras` archive with one entry more, `mlstm_fcn.json`. Keras ignores that entry, so
the file is also a plain Keras model. Nothing in it is pickled, and it is read in Keras' safe mode.
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
FORMAT = 4


def write_archive(path: Path | str, model: keras.Model, about: dict[str, Any]) -> None:
    """Write a model and plain values about it.

    Args:
        path: Where to; the name ends in `.keras` or `.mlstm`, which differ in nothing else. A file that
            is there is replaced in one step: it is either the old one or the whole new one.
        model: The model.
        about: Values that JSON can hold.

    Raises:
        ValueError: If the name has another ending.
        TypeError: If JSON cannot hold a value.
        OSError: If the file cannot be written.
    """
    json.dumps(about)  # before anything is written
    with written_whole(checked_path(path), suffix=".keras") as partial:
        model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            about = {**about, "format": FORMAT, "version": __version__, "sha256": _sums(archive)}
            about["crc"] = crc(json.loads(json.dumps(about)))  # of what will be read, where keys are text
            archive.writestr(ENTRY, json.dumps(about, indent=1))


def read_archive(path: Path | str) -> tuple[keras.Model, dict[str, Any]]:
    """Read what `write_archive` wrote.

    Returns:
        The model and the values about it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, is another Keras model, or is of a newer format.
    """
    import keras

    import mlstm_fcn.layers  # noqa: F401  (registers the layers)

    path = Path(path)
    about = _read_about(path)
    with TemporaryDirectory() as folder:  # Keras goes by the ending
        keras_path = Path(folder) / "model.keras"
        shutil.copyfile(path, keras_path)
        try:
            return keras.saving.load_model(keras_path, safe_mode=True), about
        except Exception as error:  # Keras raises many kinds for a damaged file
            raise ValueError(f"{path} is damaged: {error}") from error


def checked_path(path: Path | str) -> Path:
    """The path, if a model can be written there as far as can be told beforehand.

    Raises:
        ValueError: If the name has another ending than `.keras` or `.mlstm`, or is that of a folder.
        FileNotFoundError: If its folder does not exist.
    """
    path = Path(path)
    require(path.suffix in SUFFIXES, f"The name must end in {' or '.join(SUFFIXES)}.", path=str(path))
    require(not path.is_dir(), "There must be no folder of that name.", path=str(path))
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
        raise ValueError(f"{path} is an archive, but not one that this package wrote: no {ENTRY}.") from None
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged, or not a Keras archive: {error}") from error
    require(not outside, f"{path} has entries outside of its folder.", entries=outside)
    require(isinstance(about, dict), f"{path} is damaged: {ENTRY} holds no object.")
    readable = about.get("format") == FORMAT
    require(
        readable,
        f"{path} is in a format that version {__version__} does not read.",
        format=about.get("format"),
        written_by=about.get("version"),
    )
    unchanged = about.get("sha256") == sums and about.pop("crc", None) == crc(about)
    require(unchanged, f"{path} is damaged: it was changed after it was saved.")
    if about.get("version") != __version__:
        said = f"{path} was written by version {about.get('version')}, and is read by {__version__}."
        warnings.warn(said, UserWarning, stacklevel=3)
    return about


def _sums(archive: zipfile.ZipFile) -> dict[str, str]:
    """The SHA-256 of each entry but the one that holds them."""
    names = sorted(set(archive.namelist()) - {ENTRY})
    return {name: _sum(archive, name) for name in names}


def _sum(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as entry:
        while part := entry.read(1 << 20):  # however large it says that it is
            digest.update(part)
    return digest.hexdigest()


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and ":" not in name
