"""Values of options that more than one floor names, and the value of an option that was not given."""

from __future__ import annotations

from enum import Enum
from typing import Literal

SCALINGS = ("channel", "series", None)
FILL_METHODS = ("interpolate", "zero")
ON_LONGER = ("warn", "cut", "error")


class _NotGiven(Enum):
    """The type of `NOT_GIVEN`: a value that copies and pickles keep as the same object."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = _NotGiven.NOT_GIVEN
"""The value of an option that the recipe or the network decides. None is a value of its own: none."""

NotGiven = Literal[_NotGiven.NOT_GIVEN]
"""The type of `NOT_GIVEN`, for annotations."""
