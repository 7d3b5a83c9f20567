"""Download one file over HTTP, within limits. This is the only module that uses the network.

A download that breaks off continues where it ended, in the next attempt or the next call, if the server names
the version of the file (`ETag` or `Last-Modified`) and still has it.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256 as new_sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

TIMEOUT = 30.0  # seconds without data
LONGEST = 6 * 3600.0  # seconds for one file
MAX_BYTES = 8 * 2**30  # of one file whose size nobody knows
MAX_JSON = 2**24  # bytes
WAITS = (1.0, 4.0)  # seconds before each retry
_BLOCK = 1 << 16  # bytes

Result = TypeVar("Result")


class TransferError(Exception):
    """A file could not be downloaded."""


class _LimitError(TransferError):
    """A limit of size or time was exceeded; another attempt would not help."""


def download(
    url: str, path: Path, checksum: str | None = None, *, max_bytes: int = MAX_BYTES, parts: Path
) -> Path:
    """Download a file.

    Args:
        url: The address, `http` or `https`.
        path: The file to write.
        checksum: The expected checksum, `"md5:..."` or `"sha256:..."`; None if unknown.
        max_bytes: Maximum size of the file.
        parts: Folder that keeps the part of the file that arrived, if the download breaks off.

    Returns:
        The path.

    Raises:
        TransferError: If the download fails or is incomplete, if it exceeds `max_bytes` or takes longer than
            six hours, or if the checksum differs.
    """
    version = path.with_name(f"{path.name}.version")
    deadline = time.monotonic() + LONGEST

    def once() -> Path:
        start = path.stat().st_size if version.exists() and path.exists() else 0
        headers = {"Range": f"bytes={start}-", "If-Range": version.read_text()} if start else {}
        with _answer(url, headers) as answer:
            if answer.status_code != 206:
                start = 0
            named = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
            if named and not named.startswith("W/"):
                version.write_text(named)
            else:
                version.unlink(missing_ok=True)
            with (
                path.open("ab" if start else "wb") as file,
                _Bar(path.name, start, _size(answer, start)) as bar,
            ):
                for block in _blocks(answer, start, max_bytes, deadline):
                    file.write(block)
                    bar.update(len(block))
        version.unlink(missing_ok=True)
        _require_checksum(path, checksum)
        return path

    with _continued(url, path, version, parts):
        return _with_attempts(once)


@contextmanager
def _answer(url: str, headers: dict[str, str]) -> Iterator[Any]:
    """The answer to a request, whose content is still to be read; not compressed, if the server obeys."""
    import requests

    headers = {"Accept-Encoding": "identity", **headers}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        answer.raise_for_status()
        yield answer


def _blocks(answer: Any, start: int, max_bytes: int, deadline: float) -> Iterator[bytes]:
    """The content of an answer as it arrives.

    Args:
        answer: The answer.
        start: Number of bytes that are here already.
        max_bytes: Maximum size of the whole file, unpacked if the answer is compressed.
        deadline: When to give up, in `time.monotonic()`.

    Raises:
        TransferError: If content is missing, or a limit is exceeded.
    """
    import requests
    from urllib3.exceptions import HTTPError

    size, received = _size(answer, start), start
    rule = f"{answer.url} must have at most {max_bytes} bytes, and arrive within {LONGEST:.0f} s"
    try:
        while (size or 0) <= max_bytes and (block := answer.raw.read1(_BLOCK, decode_content=True)):
            received += len(block)
            if received > max_bytes or time.monotonic() > deadline:
                break
            yield block
    except (HTTPError, OSError) as error:
        raise requests.ConnectionError(str(error)) from error
    if max(received, size or 0) > max_bytes or time.monotonic() > deadline:
        raise _LimitError(f"{rule}. Received: {received} bytes of {size or 'an unknown number'}")
    if size is not None and received != size:
        raise TransferError(f"{answer.url} broke off after {received} of {size} bytes")


def _size(answer: Any, start: int) -> int | None:
    """Size of the whole file; None if unknown."""
    length = answer.headers.get("Content-Length", "")
    packed = answer.headers.get("Content-Encoding", "identity") != "identity"
    return start + int(length) if length.isdecimal() and not packed else None


@contextmanager
def _continued(url: str, path: Path, version: Path, parts: Path) -> Iterator[None]:
    """Begin with what an earlier call received. If this call fails too, keep what it received."""
    kept = parts / new_sha256(url.encode()).hexdigest()[:16]
    places = ((kept, path), (kept.with_suffix(".version"), version))
    for there, here in places:
        with suppress(FileNotFoundError):  # or another process continues it
            there.replace(here)
    try:
        yield
    except BaseException:
        if version.exists() and path.exists():
            parts.mkdir(parents=True, exist_ok=True)
            for there, here in places:
                here.replace(there)
        raise
    finally:
        with suppress(OSError):  # it holds parts of other files, or is not there
            parts.rmdir()


def read_json(url: str) -> dict[str, Any]:
    """Read a JSON object from a web API.

    Raises:
        TransferError: If the request fails, or the response is not a JSON object.
    """
    deadline = time.monotonic() + LONGEST

    def once() -> dict[str, Any]:
        with _answer(url, {"Accept": "application/json"}) as answer:
            text = b"".join(_blocks(answer, 0, MAX_JSON, deadline))
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise TransferError(f"{url} did not return JSON: {error}") from error
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
        except _LimitError as error:
            failure = str(error)
            break
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
    """A progress bar, shown only if standard error is a terminal."""

    def __init__(self, name: str, start: int, size: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        columns = (TextColumn(name), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
        self._task = self._progress.add_task(name, total=size, completed=start)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def update(self, size: int) -> None:
        self._progress.update(self._task, advance=size)
