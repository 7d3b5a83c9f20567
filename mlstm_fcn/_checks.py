"""Input checks with a uniform error message: what must hold, then what was received."""

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral

_MAX_SHOWN = 30
_LONGEST = 100  # characters of a name that are compared


def require(condition: bool, rule: str, /, **received: object) -> None:
    """Raise an error if a condition on the user's input is false.

    Args:
        condition: The condition.
        rule: The rule as a sentence, with its full stop.
        **received: The values to show, by the user's argument names.

    Raises:
        ValueError: If the condition is false. The message is the rule, then `Received: name=value, ...`.
    """
    if not condition:
        values = ", ".join(f"{name}={value!r}" for name, value in received.items())
        raise ValueError(f"{rule} Received: {values}" if values else rule)


def require_choice(name: str, value: object, options: Iterable[object]) -> None:
    """Raise an error if a value is not one of the options.

    Args:
        name: The user's argument name.
        value: The user's value.
        options: The allowed values.

    Raises:
        ValueError: If it is not. The message has the closest options, and all of them if they are few.
    """
    known = list(options)
    if any(value is option or (isinstance(value, str) and value == option) for option in known):
        return
    hint = did_you_mean(value, known)
    options = ", ".join(map(repr, known)) if len(known) <= _MAX_SHOWN else f"{len(known)} known names"
    raise ValueError(
        f"`{name}` must be one of {options}. {hint}{' ' if hint else ''}Received: {name}={value!r}"
    )


def did_you_mean(value: object, known: Iterable[object]) -> str:
    """A question that names the nearest of some options; empty if none is near."""
    by_lower_case = {str(option).lower(): option for option in known}
    near = [
        repr(by_lower_case[word])
        for word in get_close_matches(str(value)[:_LONGEST].lower(), by_lower_case, n=3)
    ]
    return f"Did you mean {' or '.join(near)}?" if near else ""


def require_positive_int(name: str, value: object) -> None:
    """Raise an error if a value is not an integer of at least 1. A bool is not accepted.

    Raises:
        ValueError: If it is not. The message has the argument's name and value.
    """
    is_int = isinstance(value, Integral) and not isinstance(value, bool)
    require(is_int and value >= 1, f"`{name}` must be a positive integer.", **{name: value})  # type: ignore[operator]
