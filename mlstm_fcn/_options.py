"""Values of options that more than one floor names."""

from collections.abc import Mapping
from typing import Any, Literal

SCALINGS = ("channel", "series", None)
FILL_METHODS = ("interpolate", "zero")
ON_LONGER = ("warn", "cut", "error")

FROM_RECIPE: Literal["recipe"] = "recipe"
"""The default of a parameter that the recipe or the network decides. None is a value of its own: none.

A string, since sktime allows no other object as a default.
"""

FromRecipe = Literal["recipe"]
"""The type of `FROM_RECIPE`, for annotations."""


class FrozenDict(dict[str, Any]):
    """A dictionary that nothing changes; it can be pickled and is its own copy."""

    def _refuse(self, *arguments: object, **values: object) -> Any:
        raise TypeError("The dictionary belongs to a recipe: make another recipe with `but`.")

    __setitem__ = __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = _refuse

    def __reduce__(self) -> Any:
        return FrozenDict, (dict(self),)

    def __copy__(self) -> "FrozenDict":
        return self

    def __deepcopy__(self, memo: Any) -> "FrozenDict":
        return self


def frozen(value: Any) -> Any:
    """Mappings and lists as read-only copies, others as they are."""
    if isinstance(value, Mapping):
        return FrozenDict(value)
    return tuple(map(frozen, value)) if isinstance(value, list | tuple) else value


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, and are not left to the recipe."""
    return {name: value for name, value in options.items() if not _is_left(value)}


def _is_left(value: object) -> bool:
    return isinstance(value, str) and value == FROM_RECIPE
