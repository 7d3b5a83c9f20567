"""The devices that a training runs on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from shutil import which

from mlstm_fcn._checks import require
from mlstm_fcn.engine.options import Engine

_EXTRAS = {"tensorflow": "'mlstm-fcn[gpu]'", "jax": "'jax[cuda12]'"}
_IN_USE: ContextVar[tuple[str, ...]] = ContextVar("devices", default=())


def in_use() -> tuple[str, ...]:
    """Names of the devices that were chosen in this context; empty where the backend's default is used."""
    return _IN_USE.get()


@contextmanager
def using(names: Sequence[str]) -> Iterator[None]:
    """Make these the devices in use, within the block."""
    token = _IN_USE.set(tuple(names))
    try:
        yield
    finally:
        _IN_USE.reset(token)


def chosen(engine: Engine, available: Sequence[str], backend: str) -> list[str]:
    """Names of the devices that an engine chooses; none for the backend's default.

    Args:
        engine: The engine.
        available: Names of the devices that the backend sees.
        backend: Keras' name of the backend.

    Raises:
        ValueError: If the backend does not see them.
    """
    kind = engine.device
    if engine.distribution is not None:
        if kind == "auto":
            kind = "gpu" if any(name.startswith("gpu") for name in available) else "cpu"
        names = [name for name in available if name.startswith(kind)]
        rule = f"`distribution` requires at least two devices that {backend} sees."
        require(len(names) > 1, rule, device=engine.device, devices=list(available))
        return names
    if kind == "auto":
        return []
    name = kind if ":" in kind else f"{kind}:0"
    rule = f"`device` must be a device that {backend} sees. {unusable_gpu(available, backend)}".strip()
    require(name in available, rule, device=engine.device, devices=list(available))
    return [name]


def unusable_gpu(available: Sequence[str], backend: str, root: Path = Path("/dev")) -> str:
    """What to do about a GPU that the system has and the backend does not see; empty if there is none.

    Args:
        available: Names of the devices that the backend sees.
        backend: Keras' name of the backend.
        root: Where the system lists its devices.
    """
    if backend not in _EXTRAS:  # the package does not ask it for its devices
        return ""
    if any(not name.startswith("cpu") for name in available):
        return ""
    if not (root / "nvidia0").exists() and which("nvidia-smi") is None:
        return ""
    return (
        f"An NVIDIA GPU is present, but {backend} does not see it. Run `pip install {_EXTRAS[backend]}`, "
        "and check the driver with `nvidia-smi`. (Reasoned from the documentation, not run.)"
    )
