"""Draw without windows."""

from __future__ import annotations


def draw_without_windows() -> None:
    """Let matplotlib draw in memory.

    Raises:
        ImportError: If matplotlib is not installed; the message has the install command.
    """
    from mlstm_fcn._optional import optional

    optional("matplotlib", "plot").use("agg")
