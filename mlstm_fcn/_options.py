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


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, and are not left to the recipe."""
    return {name: value for name, value in options.items() if not _is_left(value)}


def _is_left(value: object) -> bool:
    return isinstance(value, str) and value == FROM_RECIPE
