"""The public API: what `__all__` of the package and of its public folders lists, and docs/reference.md.

    python -m tests.public_api     # write tests/public_api.txt again; the difference is what users notice

One line per name, with its parameters and their defaults. Annotations are left out, since Python versions
print them in different ways, and so is what sktime and Keras define.
"""

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import mlstm_fcn

ROOT = Path(__file__).parent.parent
COMMITTED = Path(__file__).with_suffix(".txt")


def public_names() -> dict[str, Any]:
    """Every public object by its full name, or the shortest of its names."""
    found: dict[str, Any] = {}
    for name in mlstm_fcn.__all__:
        found |= _opened(f"mlstm_fcn.{name}", getattr(mlstm_fcn, name))
    for name in re.findall(r"^::: ([\w.]+)$", (ROOT / "docs" / "reference.md").read_text("utf-8"), re.M):
        place, _, last = name.rpartition(".")
        found |= _opened(name, getattr(import_module(place), last, None) or import_module(name))
    shortest = {id(found[name]): name for name in sorted(found, key=len, reverse=True)}
    return {name: found[name] for name in shortest.values()}


def _opened(name: str, value: Any) -> dict[str, Any]:
    """The object itself, or the public names of a module."""
    if not isinstance(value, ModuleType):
        return {name: value}
    own = [key for key, inner in vars(value).items() if getattr(inner, "__module__", None) == value.__name__]
    names = getattr(value, "__all__", [key for key in own if not key.startswith("_")])
    return {
        key: inner for one in names for key, inner in _opened(f"{name}.{one}", getattr(value, one)).items()
    }


def functions(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """An object and, of a class, the methods and properties that this package defines."""
    yield name, value
    for key, member in inspect.getmembers_static(value) if inspect.isclass(value) else ():
        function = _function(member)
        if not key.startswith("_") and getattr(function, "__module__", "").startswith("mlstm_fcn"):
            yield f"{name}.{key}", member if isinstance(member, property | cached_property) else function


def _function(member: Any) -> Any:
    for attribute in ("__func__", "fget", "func"):
        member = getattr(member, attribute, member)
    return inspect.unwrap(member) if callable(member) else member


def signature(value: Any) -> str:
    """Parameters and defaults, or nothing for what is not called."""
    if not callable(value) or isinstance(value, type(int | str)):
        return ""
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:  # an exception of Python
        return ""
    bare = [parameter.replace(annotation=parameter.empty) for parameter in parameters]
    return re.sub(r"<(\w+) (\S+) at 0x\w+>", r"<\1 \2>", str(inspect.Signature(bare)))


def lines() -> list[str]:
    """The public API as text."""
    every = [pair for name, value in public_names().items() for pair in functions(name, value)]
    return sorted({f"{name}{signature(value)}" for name, value in every})


if __name__ == "__main__":
    COMMITTED.write_text("\n".join(lines()) + "\n", encoding="utf-8")
    print(f"{COMMITTED.relative_to(ROOT)}: {len(lines())} lines")
