"""Caches of compiled programs; each belongs to one engine and has a lock."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import keras
import numpy as np

Value = TypeVar("Value")
Call = Callable[[keras.Model, np.ndarray], list[np.ndarray]]
"""A compiled prediction: a model and series to the model's outputs."""


class Idle(Generic[Value]):
    """Values that one user at a time takes and puts back; the ones used last are kept.

    Args:
        most: Number of values kept.
    """

    def __init__(self, most: int):
        self.most = most
        self._values: list[tuple[str, Value]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._values)

    def take(self, key: str) -> Value | None:
        """Remove and return a value of this key; None if there is none."""
        with self._lock:
            for place, (other, value) in enumerate(self._values):
                if other == key:
                    del self._values[place]
                    return value
        return None

    def put(self, key: str, value: Value) -> None:
        """Keep a value for the next user."""
        with self._lock:
            self._values.append((key, value))
            del self._values[: -self.most]

    def clear(self) -> None:
        """Drop all values."""
        with self._lock:
            self._values.clear()


class Predictions:
    """Compiled predictions: one for each architecture, and one for each model that is asked often.

    A shared prediction takes the weights as arguments, so that the models of a cross-validation compile once.
    Handing the weights over takes a millisecond, so a model that is asked often gets its own.

    Args:
        own: Compiles a prediction of one model.
        shared: Compiles a prediction that models of the same architecture share.
        key: A text that is the same for models which may share; None for a model that may not.
    """

    OFTEN = 20

    def __init__(
        self,
        own: Callable[[keras.Model], Call],
        shared: Callable[[keras.Model], Call],
        key: Callable[[keras.Model], str | None],
    ):
        self.most_shared = 16
        self._own, self._compile_shared, self._key = own, shared, key
        self._shared: dict[str, Call] = {}  # the one used last stands at the end
        self._calls: WeakKeyDictionary[keras.Model, Call] = WeakKeyDictionary()
        self._n_calls: WeakKeyDictionary[keras.Model, float] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, model: keras.Model, *, shares: bool) -> Call:
        """The compiled prediction of a model; one thread at a time compiles.

        Args:
            model: The model; it is not kept alive.
            shares: Whether the model may use a shared prediction at all.
        """
        call = self._calls.get(model)
        if call is None or self._n_calls[model] >= self.OFTEN:
            call = self._find(model, shares)
        self._n_calls[model] += 1
        return call

    def _find(self, model: keras.Model, shares: bool) -> Call:
        with self._lock:
            shares = shares and self._n_calls.get(model, 0) < self.OFTEN
            if model not in self._calls or not shares:
                call = self._shared_call(model) if shares else self._own(model)
                self._n_calls[model] = 0 if shares else -math.inf  # its own one stays
                self._calls[model] = call  # last, since other threads look here first, without the lock
            return self._calls[model]

    def _shared_call(self, model: keras.Model) -> Call:
        key = self._key(model)
        if key is None:
            return self._compile_shared(model)
        call = self._shared.pop(key, None) or self._compile_shared(model)
        self._shared[key] = call
        while len(self._shared) > self.most_shared:
            del self._shared[next(iter(self._shared))]
        return call


def as_list(outputs: Any) -> list[Any]:
    """One output or several, as a list."""
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]
