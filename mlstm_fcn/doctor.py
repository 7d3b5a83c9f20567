"""What this machine computes with, and how fast: for people who wonder why training is slow."""

from __future__ import annotations

import mlstm_fcn.engine.start  # noqa: F401  (first, since it imports Keras quietly)

# isort: split
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from mlstm_fcn import __version__, engine, models
from mlstm_fcn.engine.placement import unusable_gpu
from mlstm_fcn.training.dataset import BatchSource, Dataset

_CASES, _STEPS, _CHANNELS, _CLASSES = 16, 100, 6, 4  # a batch of BasicMotions
_CALLS, _STEPS_PER_CALL = 5, 10


def examine(*, times: bool = True) -> Iterator[tuple[str, str]]:
    """Facts about this machine, by name.

    Args:
        times: Whether to time training steps, which takes some seconds.

    Yields:
        Name and value. Times are milliseconds of a training step of the default network, 16 series of 100
        steps and 6 channels, and its ratio to the floor: the three undilated convolutions alone, in float32,
        on the same device.
    """
    backend = engine.current()
    network = _network()
    yield "package", f"mlstm-fcn {__version__}, Keras {keras.__version__}"
    number = getattr(sys.modules[backend.name], "__version__", "of unknown version")
    yield "backend", f"{backend.name} {number}, Python {platform.python_version()}"
    yield "processor", f"{os.cpu_count()} cores, {platform.machine()}"
    devices = backend.devices()
    yield "devices", ", ".join(devices)
    problem = unusable_gpu(devices, backend.name)
    if problem:
        yield "problem", problem
    chosen = backend.precision_for(network, "auto")
    yield "precision", f"{chosen} ({backend.precision_reason})"
    yield "LSTM", backend.lstm_reason
    for device in devices if times else ():
        with backend.on(engine.Engine(device=device)):
            floor = _milliseconds(_convolutions(), "float32")
            yield f"floor on {device}", f"{floor:.1f} ms"
            for precision in dict.fromkeys(("float32", chosen)):
                step = _milliseconds(_network(), precision)
                yield f"{precision} on {device}", f"{step:.1f} ms, {step / floor:.1f} times the floor"


def _network() -> keras.Model:
    return models.build("mlstm_fcn", (_STEPS, _CHANNELS), _CLASSES, dilation_rates=0.5)


def _convolutions() -> keras.Model:
    """The least that a network of this size must compute: its convolutions, and an output to train."""
    layers = [
        keras.layers.Conv1D(filters, size, padding="same", use_bias=False)
        for filters, size in ((128, 8), (256, 5), (128, 3))
    ]
    series = output = keras.Input((_STEPS, _CHANNELS))
    for layer in (*layers, keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(_CLASSES, "softmax")):
        output = layer(output)
    return keras.Model(series, output)


def _milliseconds(network: keras.Model, precision: engine.Precision) -> float:
    """Median time of a training step."""
    rng = np.random.default_rng(0)
    series = rng.normal(size=(_CASES, _STEPS, _CHANNELS)).astype(np.float32)
    targets = np.eye(_CLASSES, dtype=np.float32)[np.arange(_CASES) % _CLASSES]
    source = BatchSource(Dataset([series], targets, np.ones(_CASES, np.float32)))
    batches, seconds = [np.arange(_CASES)] * _STEPS_PER_CALL, []
    given: tuple[Any, ...] = (network, keras.optimizers.AdamW(1e-3), "categorical_crossentropy", [])
    with engine.current().program(*given, reusable=False, precision=precision) as program:
        program.prepare(source)
        program.train(source, batches)
        for _ in range(_CALLS):
            begin = time.perf_counter()
            program.train(source, batches)
            seconds.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(seconds) / _STEPS_PER_CALL
