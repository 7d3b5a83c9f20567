"""Models that are made from a fitted network when they are first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Variants:
    """Models with the same weights for other series, made when first needed; copies start without."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def get(self, name: str, make: Callable[[], Any]) -> Any:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]

    def __reduce__(self) -> Any:
        return Variants, ()
