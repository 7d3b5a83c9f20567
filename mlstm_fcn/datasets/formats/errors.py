"""Errors in files, with their line and column."""


class FormatError(ValueError):
    """A file is malformed.

    Attributes:
        path: The file.
        line: The line, from 1; None if the error concerns the whole file.
        column: The first wrong character, from 1; None if the error concerns the whole file.
    """

    def __init__(
        self,
        path: object,
        expected: str,
        received: object = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        column = column or (1 if line else None)
        super().__init__(str(path), expected, _text(received), line, column)  # all arguments, for pickle
        self.path: str = str(path)
        self.line: int | None = line
        self.column: int | None = column

    def __str__(self) -> str:
        path, expected, received, *numbers = self.args
        place = "".join(f", {name} {at}" for name, at in zip(("line", "column"), numbers, strict=True) if at)
        return f"{path}{place}: expected {expected}." + (
            f" Received: {received!r}" if received is not None else ""
        )


class LineError(ValueError):
    """A line is malformed. Holds the expected text, and the column, from 1."""

    def __init__(self, expected: str, column: int = 1) -> None:
        super().__init__(expected)
        self.column = column


def _text(received: object) -> object:
    if isinstance(received, bytes):
        received = received.decode(errors="replace")
    return received if not isinstance(received, str) or len(received) <= 60 else received[:57] + "..."
