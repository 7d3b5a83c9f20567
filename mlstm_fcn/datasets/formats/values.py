"""Numbers in text to float64, exactly rounded.

Large plain text goes through SciPy's Matrix Market reader, whose C++ parser is several times faster than
Python's `float`. That parser ignores what follows a number on its line, so only text that is known to hold
nothing else is given to it; all other text, and every error, is `float`'s.
"""

import re
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np

_DIGITS = b"0123456789"
_TO_LINES = bytes.maketrans(b",:", b"\n\n")
_WORTH_A_CALL = 16_000  # bytes; below, the call costs more than it saves
_EXPONENT = re.compile(rb"[eE][+-]?[0-9]+(?:\n|\Z)")


def without_digits(text: bytes) -> bytes:
    """What the digits of numbers stand between."""
    return text.translate(None, _DIGITS)


def parse(text: bytes, marks: bytes | None = None) -> np.ndarray:
    """Read numbers.

    Args:
        text: Numbers as Python's `float` takes them, but without underscores; `?` is missing. A comma, a
            colon or a newline stands between them.
        marks: `without_digits(text)`, from a caller who has it.

    Returns:
        A float64 array, NaN for what is missing. In large text a negative zero becomes zero.

    Raises:
        ValueError: If something else stands there.
    """
    lines = text.translate(_TO_LINES)
    if len(text) >= _WORTH_A_CALL and _is_plain(lines, marks or without_digits(text)):
        try:
            return _parse_plain(lines)
        except ValueError:
            pass  # `float` reads what that parser does not, such as a plus sign, or says what is wrong
    if b"_" in text:
        raise ValueError("A number has no underscore.")
    return np.array([*map(float, lines.replace(b"?", b"nan").split(b"\n"))], dtype=np.float64)


def _parse_plain(text: bytes) -> np.ndarray:
    mmread, threads = _matrix_market_reader()
    count = np.count_nonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
    header = b"%%%%MatrixMarket matrix array real general\n%d 1\n" % count
    with threads.limit(limits=1):  # starting threads costs as much as the reading of one block
        return mmread(BytesIO(b"".join([header, text, b"\n"])))[:, 0]


@cache
def _matrix_market_reader() -> tuple[Callable[..., Any], Any]:
    """The reader, and what decides how many threads it uses."""
    from scipy.io import mmread
    from threadpoolctl import ThreadpoolController

    mmread(BytesIO(b"%%MatrixMarket matrix array real general\n1 1\n0\n"))  # loads the library to be found
    return mmread, ThreadpoolController().select(internal_api="scipy_mmio")


def _is_plain(text: bytes, marks: bytes) -> bool:
    """Whether every line is `[sign] digits [. digits] [e [sign] digits]`, where a run of digits may lack.

    A line that lacks all digits before its exponent passes; the parser refuses it. Text with an exponent in
    many of its numbers does not: the search for them costs more than the parser saves.
    """
    if b".." in marks or marks.translate(None, b"+-.eE,:\n"):
        return False
    codes = np.frombuffer(text, np.uint8)
    may_precede_sign = codes[:-1] == ord("\n")
    if b"e" in marks or b"E" in marks:
        exponent = (codes | 0x20) == ord("e")
        places = np.flatnonzero(exponent)
        if len(places) * 20 > len(marks) or not all(
            _EXPONENT.match(text, place) for place in places.tolist()
        ):
            return False
        may_precede_sign |= exponent[:-1]
    sign = codes[1:] == ord("-")
    if b"+" in marks:
        sign |= codes[1:] == ord("+")
    return not (sign & ~may_precede_sign).any()
