"""Download one file over HTTP and verify its checksum. This is the only module that uses the network."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

TIMEOUT = 30.0  # seconds without data
WAITS = (1.0, 4.0)  # seconds before each retry

Result = TypeVar("Result")


class TransferError(Exception):
    """A file could not be downloaded."""


def download(url: str, path: Path, checksum: str | None = None) -> Path:
    """Download a file.

    Args:
        url: The address, `http` or `https`.
        path: The file to write.
        checksum: The expected checksum, `"md5:..."` or `"sha256:..."`; None if unknown.

    Returns:
        The path.

    Raises:
        TransferError: If the download fails or is incomplete, or if the checksum differs.
    """
    import pooch

    def once() -> Path:
        bar = _Bar(path.name)
        try:
            pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT)(url, path, None)
        finally:
            bar.close()
        _require_checksum(path, checksum)
        return path

    return _with_attempts(once)


def read_json(url: str) -> dict[str, Any]:
    """Read a JSON object from a web API.

    Raises:
        TransferError: If the request fails, or the response is not a JSON object.
    """
    import requests

    def once() -> dict[str, Any]:
        answer = requests.get(url, headers={"Accept": "application/json"}, timeout=TIMEOUT)
        answer.raise_for_status()
        content = answer.json()
        if not isinstance(content, dict):
            raise TransferError(f"{url} did not return a JSON object")
        return content

    return _with_attempts(once)


def without_file_scheme(place: str) -> str:
    """Convert a `file://` URL to a path. Any other string is returned unchanged."""
    return unquote(place.removeprefix("file://")) if place.startswith("file://") else place


def _with_attempts(once: Callable[[], Result]) -> Result:
    """Call a function, and retry after temporary failures."""
    import requests

    failure = ""
    for wait in (0.0, *WAITS):
        time.sleep(wait)
        try:
            return once()
        except requests.HTTPError as error:
            failure = str(error)
            if error.response is not None and error.response.status_code < 500:
                break  # a client error; a retry would not help
        except (requests.RequestException, TransferError) as error:
            failure = str(error)
    raise TransferError(re.sub(r"//[^/@\s]*@", "//", failure))  # without the password in the URL


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as a hexadecimal string."""
    import pooch

    return pooch.file_hash(str(path), alg="sha256")


def _require_checksum(path: Path, checksum: str | None) -> None:
    import pooch

    if checksum:
        algorithm, _, expected = checksum.partition(":")
        if algorithm not in ("md5", "sha256"):
            raise TransferError(f"{path.name} has a published checksum of an unknown kind: {checksum!r}")
        received = pooch.file_hash(str(path), alg=algorithm)
        if received != expected:
            raise TransferError(f"{path.name} has {algorithm} {received}, but {expected} is published")


class _Bar:
    """A progress bar with the interface that pooch expects, shown only if standard error is a terminal."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
        self._task = self._progress.add_task(name, total=None)
        self._progress.start()

    @property
    def total(self) -> float:
        return self._progress.tasks[0].total or 0

    @total.setter
    def total(self, size: float) -> None:
        self._progress.update(self._task, total=size or None)

    def update(self, size: int) -> None:
        self._progress.update(self._task, advance=size)

    def reset(self) -> None:
        self._progress.reset(self._task, total=self._progress.tasks[0].total)

    def close(self) -> None:
        self._progress.stop()
