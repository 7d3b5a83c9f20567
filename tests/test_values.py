"""The fast way to read numbers takes only what it reads as `float` does."""

import itertools

import numpy as np
import pytest

from mlstm_fcn.datasets.formats import values


def text_with(token):
    """The token among so many plain numbers that a few exponents are no reason to take the slow way."""
    return b"7\n" + token + b"\n8" + b"\n1.5" * 40


def tokens(alphabet, longest):
    for length in range(1, longest + 1):
        yield from (bytes(token) for token in itertools.product(alphabet, repeat=length))


def test_every_short_token_is_read_as_float_does_or_left_alone():
    read = 0
    for token in tokens(b"1.-+eE", 5):
        text = text_with(token)
        if values._is_plain(text, values.without_digits(text)):
            try:
                fast = values._parse_plain(text)[1]
            except ValueError:
                continue  # the slow way has the last word
            assert fast == float(token), token
            read += 1
    assert read > 50


@pytest.mark.parametrize(
    "token", [b"1 2", b"1\x002", b"1x", b"0x10", b"1_0", b"nan(1)", b"1..2", b"1-2", b"1e", b"1e5.5"]
)
def test_what_the_fast_parser_would_cut_short_is_kept_from_it(token):
    text = text_with(token)
    assert not values._is_plain(text, values.without_digits(text))
    with pytest.raises(ValueError, match=r"float|number"):
        values.parse(text)


@pytest.mark.parametrize("form", ["%.6f", "%.17g", "%d", "%.3e", "%+.4f"])
def test_large_text_is_rounded_as_float_rounds(form, rng):
    numbers = [form % number for number in rng.normal(size=5000) * 10.0 ** rng.integers(-9, 9, 5000)]
    expected = np.array([*map(float, numbers)])
    np.testing.assert_array_equal(values.parse(",".join(numbers).encode()), expected)


def test_extreme_numbers_are_exact():
    extreme = ["1.7976931348623157e308", "5e-324", "2.2250738585072011e-308", "9007199254740993", "-0.0"]
    extreme += ["0.1" + "0" * 30 + "1", "123456789012345678901234567890"]
    text = ",".join(extreme + ["1.25"] * 5000).encode()
    parsed = values.parse(text)[: len(extreme)]
    np.testing.assert_array_equal(parsed, [*map(float, extreme)])


def test_missing_values_are_nan():
    np.testing.assert_array_equal(values.parse(b"1,?:NaN\nnan,2"), [1, np.nan, np.nan, np.nan, 2])
