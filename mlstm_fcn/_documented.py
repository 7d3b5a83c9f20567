"""Docstrings in which each parameter and attribute is described once, where it is defined."""

from typing import Any

_PLACES = {
    "    Parameters:\n": "    {inherited parameters}",
    "    Attributes:\n": "    {inherited attributes}",
}


class Documented:
    """A class whose docstring gets the parameters and attributes of its base classes where it says so.

    `help` shows the docstring of one class only. So the sections "Parameters" of the base classes replace
    `{inherited parameters}`, and their sections "Attributes" replace `{inherited attributes}`.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for heading, place in _PLACES.items():
            if cls.__doc__ and place in cls.__doc__:
                bases = [base for base in cls.__mro__[1:] if issubclass(base, Documented)]
                sections = filter(None, (_section(base.__doc__, heading, place) for base in bases))
                cls.__doc__ = cls.__doc__.replace(place, "\n".join(sections))


def _section(doc: str | None, heading: str, place: str) -> str:
    return (doc or "").partition(heading)[2].partition("\n\n")[0].replace(place, "").rstrip()
