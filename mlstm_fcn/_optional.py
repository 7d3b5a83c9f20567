"""Packages that only some uses need."""

from importlib import import_module
from types import ModuleType


def optional(module: str, extra: str) -> ModuleType:
    """Import a package that an extra installs.

    Raises:
        ImportError: If it is not installed; says how to install it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # the package is there, and lacks something itself
        raise ImportError(f"{package} is not installed: pip install 'mlstm-fcn[{extra}]'") from error
