"""Warnings that name the line of the user's code, however deep in the package they arise."""

from __future__ import annotations

import sys
import warnings

_PASSED_THROUGH = frozenset(("mlstm_fcn", "sklearn", "sktime", "joblib", "contextlib", "functools"))


def warn(text: str) -> None:
    """Give a `UserWarning` at the line, outside of this package and of its hosts, that led to it."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _PASSED_THROUGH:
        frame = frame.f_back
    place = frame.f_code.co_filename, frame.f_lineno, frame.f_globals.get("__name__", "")
    registry = frame.f_globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(text, UserWarning, *place, registry)
