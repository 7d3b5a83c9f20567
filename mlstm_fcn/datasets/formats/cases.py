"""Parse lines of text to series. All text formats share this module.

A format splits each line into a body and a target. The body is `1,2,3:4,5,6`, with colons between channels
and commas between values. The target is a label or a number. This module parses bodies in blocks of lines.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, NoReturn

import numpy as np

from mlstm_fcn.datasets.formats import values
from mlstm_fcn.datasets.formats.errors import FormatError, LineError

Target = str | float
Split = Callable[[bytes], tuple[bytes, Target | None]]
"""Splits a stripped line into body and target. Raises LineError."""

_SMALLEST_BLOCK, _LARGEST_BLOCK = 1 << 15, 1 << 18  # bytes; blocks grow to an eighth of the bytes read so far
_BOM = b"\xef\xbb\xbf"
COMMENTS = (b"#", b"%")  # what lines that are no cases begin with
_BEFORE, _AFTER = re.compile(rb"[\s,:'\"(]|\Z"), re.compile(rb"[\s,:'\"\\)]|\Z")  # what stands beside a value
_NO_MARKS = bytes(set(range(256)) - set(b",:\n"))


@dataclass(frozen=True)
class Block:
    """Consecutive cases.

    Attributes:
        values: All values in one dimension, float64, ordered by case and then by channel.
        channels: Number of channels.
        steps: Length of each case.
        targets: Labels or numbers; empty if the file has no targets.
    """

    values: np.ndarray
    channels: int
    steps: Sequence[int]
    targets: list[Target]


@dataclass(frozen=True)
class _Line:
    number: int
    text: bytes
    body: bytes
    target: Target | None


def read_blocks(
    file: IO[bytes], path: object, first_line: int, split: Split, comments: tuple[bytes, ...] = COMMENTS
) -> Iterator[Block]:
    """Read cases.

    Args:
        file: A file, positioned at the first line of data.
        path: The file's name in errors.
        first_line: The number of that line, from 1.
        split: The format's function to split a line.
        comments: What lines that are no cases begin with.

    Yields:
        Blocks with the same number of channels.

    Raises:
        FormatError: If a line is malformed, or the file has no case.
    """
    channels, size, read = None, _SMALLEST_BLOCK, 0
    while lines := file.readlines(size):
        cases = [*_split(lines, path, first_line, split, comments)]
        first_line += len(lines)
        read += sum(map(len, lines))
        size = min(max(size, read // 8), _LARGEST_BLOCK)
        if cases:
            block = _block(cases, path, channels)
            channels = block.channels
            yield block
    if channels is None:
        raise FormatError(path, "at least one case", line=first_line)


def decoded(text: bytes) -> str:
    """Decode UTF-8, or Latin-1 if the bytes are not UTF-8, so that different labels stay different."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def number(text: bytes, column: int) -> float:
    """Parse a regression target at a column of its line.

    Raises:
        LineError: If the text is not a number.
    """
    try:
        (value,) = values.parse(text)
        return float(value)
    except ValueError:
        raise LineError("a number at the end", column) from None


def header_lines(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, from 1, without a byte order mark."""
    for number, line in enumerate(file, start=1):
        yield number, decoded(line.removeprefix(_BOM) if number == 1 else line)


def _split(
    lines: Iterable[bytes], path: object, first: int, split: Split, comments: tuple[bytes, ...]
) -> Iterator[_Line]:
    for number, line in enumerate(lines, start=first):
        text = (line.removeprefix(_BOM) if number == 1 else line).strip(b" \r\n")
        if text and not text.startswith(comments):
            try:
                yield _Line(number, line, *split(text))
            except LineError as error:
                column = error.column + line.find(text[:1])
                raise FormatError(path, str(error), text[error.column - 1 :], number, column) from None


def _block(lines: list[_Line], path: object, channels: int | None) -> Block:
    joined = b"\n".join([line.body for line in lines])
    without_digits = values.without_digits(joined)
    marks = without_digits.translate(None, _NO_MARKS).split(b"\n")
    shape_of = {mark: _shape(mark) for mark in set(marks)}
    shapes = [shape_of[mark] for mark in marks]
    channels = channels or shapes[0][0]
    if any(shape[0] != channels or shape[1] == 0 for shape in shape_of.values()):
        _raise_first_wrong_shape(lines, marks, shapes, path, channels)
    try:
        parsed = values.parse(joined, without_digits)
    except ValueError:
        _raise_first_wrong_number(lines, path)
    targets = [line.target for line in lines if line.target is not None]
    return Block(parsed, channels, [steps for _, steps in shapes], targets)


def _shape(mark: bytes) -> tuple[int, int]:
    """Channels and length of a body, from its commas and colons alone. Length 0 if its channels differ."""
    steps = [len(channel) + 1 for channel in mark.split(b":")]
    return len(steps), steps[0] if len(set(steps)) == 1 else 0


def _raise_first_wrong_shape(
    lines: list[_Line], marks: list[bytes], shapes: list[tuple[int, int]], path: object, channels: int
) -> NoReturn:
    for line, mark, shape in zip(lines, marks, shapes, strict=True):
        if shape[0] != channels:
            expected = f"{channels} channels, as in the first case"
            raise FormatError(path, expected, shape[0], line.number)
        first, *others = [len(channel) + 1 for channel in mark.split(b":")]
        for number, steps in enumerate(others, start=2):
            if steps != first:
                expected = f"{first} values in channel {number}, as in channel 1"
                column = line.text.find(line.body.split(b":")[number - 1]) + 1
                raise FormatError(path, expected, steps, line.number, column)
    raise AssertionError("called where every shape is right")


def _raise_first_wrong_number(lines: list[_Line], path: object) -> NoReturn:
    for line in lines:
        if not _are_numbers(line.body):
            channels = line.body.split(b":")
            tokens = [token for channel in channels for token in channel.split(b",")]
            at = _first_wrong(tokens)
            channel, step = divmod(at, len(tokens) // len(channels))
            expected = f"a number, ? or NaN as value {step + 1} of channel {channel + 1}"
            token = tokens[at]
            raise FormatError(path, expected, token, line.number, _column(line, token)) from None
    raise AssertionError("called where every number is right")


def _first_wrong(tokens: list[bytes]) -> int:
    """The index of the first token that is no number, if there is one; found by halves."""
    start, end = 0, len(tokens)
    while end - start > 1:
        middle = (start + end) // 2
        if _are_numbers(b",".join(tokens[start:middle])):
            start = middle
        else:
            end = middle
    return start


def _are_numbers(text: bytes) -> bool:
    try:
        values.parse(text)
    except ValueError:
        return False
    return True


def _column(line: _Line, token: bytes) -> int:
    """The column of a malformed value: the first place where its text is between separators."""
    start = line.text.find(token)
    while start >= 0:
        end = start + len(token)
        before, after = line.text[max(0, start - 1) : start], line.text[end : end + 1]
        if _BEFORE.match(before) and _AFTER.match(after):
            return start + 1
        word = _BEFORE.search(line.text, end)  # a value begins after a separator
        start = line.text.find(token, word.end()) if word and word[0] else -1
    return 1
