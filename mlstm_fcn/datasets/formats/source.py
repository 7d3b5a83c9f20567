"""A file on disk, or a member of a zip archive that is read without unpacking."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from mlstm_fcn import _archives as archives
from mlstm_fcn.datasets.formats.errors import FormatError


@dataclass(frozen=True)
class Source:
    """A file, or one member of a zip archive.

    Attributes:
        path: The file, or the archive.
        member: The member's name in the archive; None for a plain file.
    """

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}/{self.member}"

    @property
    def name(self) -> PurePosixPath:
        """The file name without folders."""
        return PurePosixPath(PurePosixPath(self.member).name if self.member else self.path.name)

    def beside(self, name: str) -> Source:
        """Another file in the same folder."""
        if self.member is None:
            return Source(self.path.with_name(name))
        return Source(self.path, str(PurePosixPath(self.member).with_name(name)))

    def exists(self) -> bool:
        """Whether the file exists."""
        return self.path.is_file() if self.member is None else self.member in archives.members(self.path)

    def size(self) -> int:
        """Number of bytes, unpacked."""
        if self.member is None:
            return self.path.stat().st_size
        with archives.opened(self.path) as archive:
            return archive.getinfo(self.member).file_size

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open for reading bytes.

        Raises:
            FormatError: If the archive is damaged or unsafe, or has no such member.
            FileNotFoundError: If the file or the archive does not exist.
        """
        if self.member is None:
            with self.path.open("rb") as file:
                yield file
            return
        with ExitStack() as stack:
            try:
                archive = stack.enter_context(archives.opened(self.path))
                content = stack.enter_context(archive.open(self.member))
            except FileNotFoundError:
                raise
            except Exception as error:  # zipfile raises many types for a damaged archive
                reason = str(error).removeprefix(f"{self.path} ")
                raise FormatError(self, "an undamaged archive", reason) from error
            try:
                yield content
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise FormatError(self, "an undamaged archive", str(error)) from error
