"""Loaders of the same few series, as several libraries have them, and a small fit."""

import keras
import numpy as np
import pytest

from mlstm_fcn import NetworkClassifier

SMALL = {
    "network": "lstm_fcn",
    "network_params": {"filters": (4,), "kernel_sizes": (3,), "lstm_units": 2},
    "n_epochs": 2,
    "batch_size": 6,
    "random_state": 0,
}
RNG = np.random.default_rng(0)
SERIES = 5 + 3 * RNG.normal(size=(26, 2, 12)).astype(np.float32)
LABELS = np.array(["run", "sit"])[(RNG.random(26) < 0.4).astype(int)]
WEIGHTS = RNG.random(26)
RAGGED = np.where(np.arange(12) < RNG.integers(6, 12, size=(26, 1, 1)), SERIES, np.nan)
ONE_SHORT = np.where((np.arange(26)[:, None, None] == 3) & (np.arange(12) > 6), np.nan, SERIES)


class Tensor:
    """As a tensor of another library."""

    def __init__(self, values):
        self._values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._values, dtype)


class Loader:
    """As a DataLoader of torch: lists of tensors, batch by batch."""

    def __init__(self, *parts, size=5):
        self.parts, self.size, self.passes = parts, size, 0

    def __len__(self):
        return -(-len(self.parts[0]) // self.size)

    def __iter__(self):
        self.passes += 1
        for start in range(0, len(self.parts[0]), self.size):
            yield [Tensor(part[start : start + self.size]) for part in self.parts]


class PyData(keras.utils.PyDataset):
    def __init__(self, *parts):
        super().__init__()
        self.parts, self.ended = parts, 0

    def __len__(self):
        return -(-len(self.parts[0]) // 5)

    def __getitem__(self, number):
        return tuple(part[5 * number : 5 * number + 5] for part in self.parts)

    def on_epoch_end(self):
        self.ended += 1


def tf_data(*parts):
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices(parts).batch(5)


def torch_data(*parts):
    torch = pytest.importorskip("torch")
    parts = [
        torch.as_tensor(np.unique(part, return_inverse=True)[1] if part.dtype.kind == "U" else part)
        for part in parts
    ]
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*parts), batch_size=5)


KINDS = [Loader, PyData, tf_data, torch_data]


def fitted(*given, kind=NetworkClassifier, parameters=None, **others):
    return kind(**{**SMALL, **(parameters or {})}).fit(*given, **others)
