"""The error of a file that cannot be read, with its place."""


class FormatError(ValueError):
    """A file is not in its format.

    Attributes:
        path: The file.
        line: The line, from 1; None where the whole file is meant.
        column: The first character of what is wrong, from 1; None where the whole line is meant.
    """

    def __init__(
        self,
        path: object,
        expected: str,
        received: object = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        place = "".join(f", {name} {at}" for name, at in (("line", line), ("column", column)) if at)
        shown = "" if received is None else f" Received: {_text(received)!r}"
        super().__init__(f"{path}{place}: expected {expected}.{shown}")
        self.path, self.line, self.column = path, line, column


def _text(received: object) -> object:
    if isinstance(received, bytes):
        received = received.decode(errors="replace")
    return received if not isinstance(received, str) or len(received) <= 60 else received[:57] + "..."
