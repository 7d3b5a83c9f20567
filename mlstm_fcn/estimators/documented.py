"""Docstrings in which each parameter is described once, where it is defined."""

from typing import Any

_HEADING = "    Parameters:\n"
_PLACE = "    {inherited parameters}"


class Documented:
    """A class whose docstring gets the parameters of its base classes where it says so.

    `help` shows the docstring of one class only; so the sections "Parameters" of the base classes are
    put in the place of `{inherited parameters}`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__doc__ and _PLACE in cls.__doc__:
            inherited = [_section(base.__doc__) for base in cls.__mro__[1:] if issubclass(base, Documented)]
            cls.__doc__ = cls.__doc__.replace(_PLACE, "\n".join(filter(None, inherited)))


def _section(doc: str | None) -> str:
    return (doc or "").partition(_HEADING)[2].partition("\n\n")[0].replace(_PLACE, "").rstrip()
