"""Compiled training of a network, kept for the next fit of a network like it.

Compiling takes a second, and TensorFlow keeps 14 MB of every compiled step for good. So a fit trains a twin
of its network, whose compiled step is used again by the next fit with the same architecture, optimizer and
loss, as in cross-validation; weights and all else that training changes are copied in and out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np

from mlstm_fcn import _jax, _tensorflow
from mlstm_fcn.models.architecture import architecture, as_text, is_known
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.randomness import seeded
from mlstm_fcn.training.step import Step, compiled_step

_MOST_IDLE = 4
_IDLE: list[tuple[str, Program]] = []
_LOCK = threading.Lock()


class Program:
    """A compiled Keras model, its steps, and the state in which its optimizer starts."""

    def __init__(
        self,
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: keras.losses.Loss | str,
        metrics: Sequence[str],
    ):
        self.network = network
        # A model of its own, with the same layers, so that the optimizer is not saved with them.
        self.model = keras.Model(network.inputs, network.outputs, name=network.name)
        self.model.compile(optimizer, loss, weighted_metrics=list(metrics))
        self._steps: dict[str, Step] = {}
        self._start: list[np.ndarray] = []

    def step(self, kind: str, examples: Dataset) -> Step:
        """The compiled step of a kind, `"train"` or `"test"`."""
        if kind not in self._steps:
            self._steps[kind] = compiled_step(self.model, kind, examples)
            if not self._start:
                self._start = [keras.ops.convert_to_numpy(v.value) for v in self.model.optimizer.variables]
        return self._steps[kind]

    def start_from(self, network: keras.Model) -> None:
        """Take over a network's state, with an optimizer that has done nothing yet."""
        copy_state(network, self.network)
        for variable, value in zip(self.model.optimizer.variables, self._start, strict=True):
            variable.assign(value)


@contextmanager
def program(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: keras.losses.Loss | str,
    metrics: Sequence[str],
    reusable: bool,
) -> Iterator[Program]:
    """A program that trains a network; the network has what was learnt when the block ends.

    Args:
        network: The network.
        optimizer: Not built yet.
        loss: What to minimise.
        metrics: Names of further figures.
        reusable: Whether another fit may use the program later, which must not be where a user's callback
            could keep or change its model.
    """
    key = _key(network, optimizer, loss, metrics) if reusable else None
    if key is None:
        yield Program(network, optimizer, loss, metrics)
        return
    taken = _take(key)
    if taken is None:
        twin = _twin(network)
        taken = Program(twin, optimizer, loss, metrics)
        copy_state(network, twin)
    else:
        taken.start_from(network)
    try:
        yield taken
    finally:
        copy_state(taken.network, network)
    with _LOCK:  # only after a training that ended well
        _IDLE.append((key, taken))
        del _IDLE[:-_MOST_IDLE]


def _twin(network: keras.Model) -> keras.Model:
    """A network with layers of its own, frozen where the network's are."""
    with seeded(np.random.default_rng(0)):
        twin = keras.models.clone_model(network)
    for layer, other in zip(network.layers, twin.layers, strict=True):
        if not layer.trainable:
            other.trainable = True  # as an argument, False does not reach layers within the layer
            other.trainable = False
    return twin


def copy_state(source: keras.Model, target: keras.Model) -> None:
    """Give a network all variables of its twin, those of its dropout too."""
    for old, new in zip(source.variables, target.variables, strict=True):
        new.assign(old)


def _take(key: str) -> Program | None:
    with _LOCK:
        for place, (other, _) in enumerate(_IDLE):
            if other == key:
                return _IDLE.pop(place)[1]
    return None


def _key(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    loss: keras.losses.Loss | str,
    metrics: Sequence[str],
) -> str | None:
    """What decides how a program is compiled; None where a part could mean something else another time."""
    if not all(map(is_known, [optimizer] if isinstance(loss, str) else [optimizer, loss])):
        return None
    configs = [_of(optimizer), loss if isinstance(loss, str) else _of(loss), list(metrics)]
    backend = [keras.config.backend(), _tensorflow.compiles(), _jax.is_backend()]
    texts = [architecture(network), as_text([*configs, *backend])]
    return None if None in texts else "\n".join(map(str, texts))


def _of(part):
    return [type(part).__name__, {**part.get_config(), "name": None}]
