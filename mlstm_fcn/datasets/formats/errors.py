"""The errors of a file that cannot be read, with the place."""


class FormatError(ValueError):
    """A file is not in its format.

    Attributes:
        path: The file.
        line: The line, from 1; None where the whole file is meant.
        column: The first character of what is wrong, from 1; None where the whole file is meant.
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
        super().__init__(str(path), expected, _text(received), line, column)  # so that it can be pickled
        self.path, self.line, self.column = str(path), line, column

    def __str__(self) -> str:
        path, expected, received, *numbers = self.args
        place = "".join(f", {name} {at}" for name, at in zip(("line", "column"), numbers, strict=True) if at)
        return f"{path}{place}: expected {expected}." + (
            f" Received: {received!r}" if received is not None else ""
        )


class LineError(ValueError):
    """A line cannot be read: what was expected of it, and at which of its characters, from 1."""

    def __init__(self, expected: str, column: int = 1) -> None:
        super().__init__(expected)
        self.column = column


def _text(received: object) -> object:
    if isinstance(received, bytes):
        received = received.decode(errors="replace")
    return received if not isinstance(received, str) or len(received) <= 60 else received[:57] + "..."
