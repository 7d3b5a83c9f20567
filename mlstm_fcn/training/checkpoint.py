"""The state of a training in one file, from which a killed training resumes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn._files import damage_of, written_whole
from mlstm_fcn._npy import read_arrays, write_arrays
from mlstm_fcn.training.best_epoch import BestEpoch
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.recipes import Recipe

_CASES_AT_A_TIME = 256
_KINDS = ("variables", "best")


class Checkpoint:
    """All that training changes: weights, optimizer, order of cases, history, best epoch.

    The file is NumPy's `.npz`, without pickle, and is replaced in one step.

    Args:
        path: The file.
        model: A compiled model whose optimizer is built.
        rng: The generator of the order of cases.
        history: The figures of each epoch so far.
        best: The best epoch so far.
        of: What identifies the training, see `identity`; the file of another training is refused.
    """

    def __init__(
        self,
        path: Path,
        model: keras.Model,
        rng: np.random.Generator,
        history: dict[str, list[float]],
        best: BestEpoch,
        of: str,
    ):
        self._path, self._of = Path(path), of
        self._model, self._rng, self._history, self._best = model, rng, history, best

    def resume(self, callbacks: keras.callbacks.CallbackList) -> int:
        """Restore the state from the file, if it exists.

        Epoch callbacks are replayed for finished epochs, with the latest weights. A callback that keeps the
        weights of an earlier epoch does not get these back; `patience` does.

        Returns:
            The number of finished epochs.

        Raises:
            ValueError: If the file is damaged, or belongs to another training.
        """
        if not self._path.exists():
            return 0
        values, arrays = self._read()
        rule = (
            f"{self._path} belongs to a training with other data, settings or network; delete it to restart."
        )
        require(values.get("of") == self._of and self._fits(arrays), rule)
        n_epochs = len(values["history"]["loss"])
        self._assign(arrays["variables"])
        for epoch in range(n_epochs):
            callbacks.on_epoch_begin(epoch)
            callbacks.on_epoch_end(
                epoch, {name: figures[epoch] for name, figures in values["history"].items()}
            )
        self._assign(arrays["variables"])  # callbacks may have changed the learning rate
        self._history.update(values["history"])
        self._rng.bit_generator.state = values["rng"]
        self._best.set_state(values["best"], arrays["best"])
        return n_epochs

    def save(self) -> None:
        """Write the state as it is now."""
        best, best_weights = self._best.get_state()
        values = {
            "of": self._of,
            "history": self._history,
            "rng": self._rng.bit_generator.state,
            "best": best,
        }
        arrays: dict[str, Any] = {"values": np.array(json.dumps(values))}
        arrays |= {f"variables_{i}": v.numpy() for i, v in enumerate(self._variables())}
        arrays |= {f"best_{i}": weight for i, weight in enumerate(best_weights)}
        with written_whole(self._path) as partial, partial.open("wb") as file:
            write_arrays(file, arrays)

    def _assign(self, arrays: list[np.ndarray]) -> None:
        for variable, array in zip(self._variables(), arrays, strict=True):
            variable.assign(array)

    def _variables(self) -> list[Any]:
        return [*self._model.variables, *self._model.optimizer.variables]

    def _fits(self, arrays: dict[str, list[np.ndarray]]) -> bool:
        wanted = {"variables": self._variables(), "best": self._model.weights if arrays["best"] else []}
        return all(
            [tuple(one.shape) for one in arrays[kind]] == [tuple(one.shape) for one in variables]
            for kind, variables in wanted.items()
        )

    def _read(self) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
        """Values and arrays by kind, checked so far that `resume` can use them if shapes fit."""
        with damage_of(self._path, "a checkpoint"):
            arrays = read_arrays(self._path)
            values = _checked(json.loads(str(arrays["values"])))
            np.random.default_rng().bit_generator.state = values["rng"]
            numbers = {kind: sum(name.startswith(f"{kind}_") for name in arrays) for kind in _KINDS}
            require(sum(numbers.values()) + 1 == len(arrays), "Arrays must be variables or weights.")
            return values, {kind: [arrays[f"{kind}_{i}"] for i in range(n)] for kind, n in numbers.items()}


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """Values of a checkpoint, if they are what `save` writes."""
    history, best = values["history"], values["best"]
    n_epochs = len(history["loss"])
    figures = [figure for one in history.values() for figure in one]
    whole = all(len(one) == n_epochs for one in history.values())
    require(whole, "Each figure of a checkpoint must have one value for each epoch.")
    numbers = all(type(figure) in (int, float) for figure in (*figures, best["lowest"]))
    require(numbers, "Figures of a checkpoint must be numbers.")
    epochs = type(best["epoch"]) is int and 0 <= best["epoch"] <= n_epochs
    require(epochs, "The best epoch of a checkpoint must be one of its epochs.")
    return values


def identity(model: keras.Model, examples: Dataset, validation: Dataset | None, recipe: Recipe) -> str:
    """A digest of everything that decides how a training goes: data, initial weights, network, recipe."""
    digest = hashlib.sha256()
    for dataset in (examples, *([] if validation is None else [validation])):
        for start in range(0, len(dataset), _CASES_AT_A_TIME):
            cases = np.arange(start, min(start + _CASES_AT_A_TIME, len(dataset)))
            _add(digest, dataset.read(cases).arrays())
    _add(digest, model.get_weights())
    for layer in model.layers:
        config = {**layer.get_config(), "name": None, "unroll": None}
        digest.update(repr([config, layer.compute_dtype]).encode())
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # its name has a counter
    settings = {**vars(recipe), "optimizer": {**optimizer.get_config(), "name": None}, "loss": None}
    digest.update(repr([settings, repr(keras.losses.serialize(keras.losses.get(model.loss)))]).encode())
    return digest.hexdigest()


def _add(digest: Any, arrays: list[Any]) -> None:
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
