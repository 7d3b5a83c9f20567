"""Optional dependencies."""

from importlib import import_module
from types import ModuleType


def optional(module: str, extra: str) -> ModuleType:
    """Import a package that an extra installs.

    Raises:
        ImportError: If the package is not installed. The message has the install command.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # the package is installed, but one of its own imports failed
        raise ImportError(f"{package} is not installed: pip install 'mlstm-fcn[{extra}]'") from error
