"""Outputs of a network for cases as members read them."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np

from mlstm_fcn import engine
from mlstm_fcn.models.pipeline import reading_padded
from mlstm_fcn.training.dataset import Dataset

_BLOCK = 256  # cases


def outputs_for(network: keras.Model, data: Dataset) -> np.ndarray:
    """All outputs, `(cases, outputs)`."""
    blocks = (outputs for _, outputs in in_blocks(network, data))
    first = next(blocks)
    outputs = np.empty((len(data), *first.shape[1:]), first.dtype)
    outputs[: len(first)], start = first, len(first)
    for block in blocks:
        outputs[start : start + len(block)] = block
        start += len(block)
    return outputs


def in_blocks(network: keras.Model, data: Dataset) -> Iterator[tuple[Dataset, np.ndarray]]:
    """Some cases at a time, with their outputs; memory-mapped series are read block by block."""
    model = reading_padded(network)
    for start in range(0, len(data), _BLOCK):
        block = data.read(np.arange(start, min(start + _BLOCK, len(data))))
        yield block, engine.current().predict(model, padded(block))[0]


def padded(data: Dataset) -> np.ndarray:
    """Series in memory, with NaN at the steps after their end."""
    series, *mask = data.inputs
    return np.where(mask[0][..., None], series, np.nan) if mask else series
