"""One file over HTTP, whole and as published, or an error. This is the only module that uses the network."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

TIMEOUT = 30.0  # seconds without a byte
WAITS = (1.0, 4.0)  # seconds before another attempt

Result = TypeVar("Result")


class TransferError(Exception):
    """A file could not be downloaded."""


def download(url: str, path: Path, checksum: str | None = None) -> Path:
    """Download a file.

    Args:
        url: Where from; `http` or `https`.
        path: Where to.
        checksum: What its content must have, `"md5:..."` or `"sha256:..."`; None where that is not known.

    Returns:
        The path.

    Raises:
        TransferError: If it cannot be had, arrives in part only, or has another check sum.
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
    """Read what a web interface answers.

    Raises:
        TransferError: If it gives no answer, or another than a JSON object.
    """
    import requests

    def once() -> dict[str, Any]:
        answer = requests.get(url, headers={"Accept": "application/json"}, timeout=TIMEOUT)
        answer.raise_for_status()
        content = answer.json()
        if not isinstance(content, dict):
            raise TransferError(f"{url} gave no JSON object")
        return content

    return _with_attempts(once)


def without_file_scheme(place: str) -> str:
    """The path that a `file://` URL means; any other place as it is."""
    return unquote(place.removeprefix("file://")) if place.startswith("file://") else place


def _with_attempts(once: Callable[[], Result]) -> Result:
    """Call again what fails for a reason that may pass."""
    import requests

    failure = ""
    for wait in (0.0, *WAITS):
        time.sleep(wait)
        try:
            return once()
        except requests.HTTPError as error:
            failure = str(error)
            if error.response is not None and error.response.status_code < 500:
                break  # asking again would not help
        except (requests.RequestException, TransferError) as error:
            failure = str(error)
    raise TransferError(re.sub(r"//[^/@\s]*@", "//", failure))  # without a password in the address


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal digits."""
    import pooch

    return pooch.file_hash(str(path), alg="sha256")


def _require_checksum(path: Path, checksum: str | None) -> None:
    import pooch

    if checksum:
        algorithm, _, expected = checksum.partition(":")
        if algorithm not in ("md5", "sha256"):
            raise TransferError(f"{path.name} is published with a check sum of an unknown kind: {checksum!r}")
        received = pooch.file_hash(str(path), alg=algorithm)
        if received != expected:
            raise TransferError(f"{path.name} has {algorithm} {received}, but {expected} is published")


class _Bar:
    """A progress bar as pooch asks for it, shown where standard error is a terminal."""

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
