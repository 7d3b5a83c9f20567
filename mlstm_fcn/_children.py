"""Python processes that this one starts. They import what it would, and nothing from where they run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


def python(*arguments: str) -> list[str]:
    """The command of a Python process, which does not put its working folder first among its modules."""
    return [sys.executable, "-P", *arguments]


def environment(**settings: str) -> dict[str, str]:
    """The environment of a Python process that finds the modules that this one finds.

    Args:
        **settings: Further environment variables.
    """
    folders = [folder for folder in sys.path if folder]
    if len(folders) < len(sys.path):  # an interactive session, which finds modules in its working folder
        folders.append(os.getcwd())  # last: a file there cannot pass for a library
    return {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(folders), **settings}


def safely(items: Iterable[Item]) -> Iterator[Item]:
    """Iterate over the results of a pool whose processes others start, for as long as it may start some."""
    with _safe_path():
        yield from items


@contextmanager
def _safe_path() -> Iterator[None]:
    if "PYTHONSAFEPATH" in os.environ:
        yield
        return
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        os.environ.pop("PYTHONSAFEPATH", None)
