"""A fitted estimator as one file, and back.

The file is Keras' own `.keras` archive with one entry more, `mlstm_fcn.json`, that holds what the network
does not: the estimator's parameters, the labels, the training history. Keras ignores that entry, so the
file is also a plain Keras model. Nothing in it is pickled, and it is read in Keras' safe mode.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstm_fcn import __version__, estimators
from mlstm_fcn._checks import require

if TYPE_CHECKING:
    from mlstm_fcn.estimators.base import NetworkEstimator

ENTRY = "mlstm_fcn.json"
FORMAT = 1


def save(estimator: NetworkEstimator, path: Path | str) -> None:
    """Write a fitted estimator.

    Args:
        estimator: One of this package's, fitted.
        path: Where to, a name that ends in `.keras`. A file that is there is replaced, in one step: it
            is either the old one or the whole new one.

    Raises:
        ValueError: If the name does not end in `.keras`, or the estimator saw one class only in fit, so
            that it has no network.
        NotFittedError: If it is not fitted.
        OSError: If the file cannot be written.
    """
    path = checked_path(path)
    about = {"format": FORMAT, "version": __version__, **estimator.get_fitted_state()}
    with _written_whole(path) as partial:
        estimator.model_.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(ENTRY, json.dumps(about, indent=1))


def load(path: Path | str) -> Any:
    """Read an estimator that `save` wrote.

    Args:
        path: The file.

    Returns:
        The fitted estimator.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, was not written by `save`, or by a newer version.
    """
    import keras

    import mlstm_fcn.layers  # noqa: F401  (registers the layers)

    path = Path(path)
    about = _read_about(path)
    name = about.get("estimator")
    require(
        name in estimators.__all__, f"{path} holds an estimator that this version has not.", estimator=name
    )
    try:
        model = keras.saving.load_model(path, safe_mode=True)
    except Exception as error:  # Keras raises many kinds for a damaged file
        raise ValueError(f"{path} is damaged: {error}") from error
    estimator: type[NetworkEstimator] = getattr(estimators, name)
    return estimator.from_fitted_state(model, about)


def checked_path(path: Path | str) -> Path:
    """The path, if a model can be written there as far as can be told beforehand.

    Raises:
        ValueError: If it does not end in `.keras`.
        FileNotFoundError: If its folder does not exist.
    """
    path = Path(path)
    require(path.suffix == ".keras", "A model's file name must end in .keras.", path=str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder {path.parent} does not exist.")
    return path


def _read_about(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read(ENTRY))
    except KeyError:
        raise ValueError(f"{path} is a Keras model, but not one that this package's save wrote.") from None
    except (zipfile.BadZipFile, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is damaged, or not a .keras file: {error}") from error
    readable = isinstance(about, dict) and isinstance(about.get("format"), int) and about["format"] <= FORMAT
    version = about.get("version") if isinstance(about, dict) else None
    require(readable, f"{path} is not in a format that version {__version__} reads.", written_by=version)
    return about


@contextmanager
def _written_whole(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place at the end, or leaves nothing."""
    partial = path.with_name(f".{path.stem}.{os.getpid()}.keras")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
