"""Parse numbers in text to exactly rounded float64.

Large text is parsed by SciPy's Matrix Market reader, whose C++ parser is several times faster than Python's
`float`. That parser ignores anything after a number on its line, so it is used only for text that contains
nothing but plain numbers. `float` parses all other text and raises all errors.
"""

import re
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np

_DIGITS = b"0123456789"
_TO_LINES = bytes.maketrans(b",:", b"\n\n")
_WORTH_A_CALL = 16_000  # bytes; for smaller text the call costs more than it saves
_EXPONENT = re.compile(rb"[eE][+-]?[0-9]+(?:\n|\Z)")
_SIGNED_MARK = re.compile(rb"[+-]\?")  # `float` reads -nan, so it would read -? too


def without_digits(text: bytes) -> bytes:
    """The text with its digits removed: only separators, signs, points and exponents remain."""
    return text.translate(None, _DIGITS)


def parse(text: bytes, marks: bytes | None = None) -> np.ndarray:
    """Parse numbers.

    Args:
        text: Numbers in the syntax of Python's `float`, without underscores, separated by commas, colons or
            newlines. `?` is a missing value.
        marks: `without_digits(text)`, if the caller has computed it.

    Returns:
        A float64 array, with NaN for missing values. In large text, negative zero becomes zero.

    Raises:
        ValueError: If the text contains anything else.
    """
    lines = text.translate(_TO_LINES)
    if len(text) >= _WORTH_A_CALL and _is_plain(lines, marks or without_digits(text)):
        try:
            return _parse_plain(lines)
        except ValueError:
            pass  # `float` accepts more, such as a plus sign, and raises a precise error
    if b"_" in text or _SIGNED_MARK.search(text):
        raise ValueError("A number must not contain underscores, and ? must not have a sign.")
    return np.array([*map(float, lines.replace(b"?", b"nan").split(b"\n"))], dtype=np.float64)


def _parse_plain(text: bytes) -> np.ndarray:
    mmread, threads = _matrix_market_reader()
    count = np.count_nonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
    header = b"%%%%MatrixMarket matrix array real general\n%d 1\n" % count
    with threads.limit(limits=1):  # starting threads takes as long as parsing one block
        return mmread(BytesIO(b"".join([header, text, b"\n"])))[:, 0]


@cache
def _matrix_market_reader() -> tuple[Callable[..., Any], Any]:
    """The reader, and the controller of its number of threads."""
    from scipy.io import mmread
    from threadpoolctl import ThreadpoolController

    mmread(BytesIO(b"%%MatrixMarket matrix array real general\n1 1\n0\n"))  # load it for threadpoolctl
    return mmread, ThreadpoolController().select(internal_api="scipy_mmio")


def _is_plain(text: bytes, marks: bytes) -> bool:
    """Whether every line is `[sign] [digits] [. [digits]] [e [sign] digits]`.

    A line without digits before its exponent is accepted here and rejected by the parser. Text with many
    exponents is not accepted, since checking them takes longer than the parser saves.
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
