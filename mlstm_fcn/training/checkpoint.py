"""The state of a training in one file, from which a killed training resumes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn._files import written_whole
from mlstm_fcn.training.best_epoch import BestEpoch
from mlstm_fcn.training.dataset import Dataset
from mlstm_fcn.training.recipes import Recipe

_CASES_AT_A_TIME = 256


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
        variables = self._variables()
        fits = [list(array.shape) for array in arrays["variables"]] == [list(v.shape) for v in variables]
        rule = (
            f"{self._path} belongs to a training with other data, settings or network; delete it to restart."
        )
        require(fits and values["of"] == self._of, rule)
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
        arrays: dict[str, Any] = {f"variables_{i}": v.numpy() for i, v in enumerate(self._variables())}
        arrays |= {f"best_{i}": weight for i, weight in enumerate(best_weights)}
        with written_whole(self._path) as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, values=np.array(json.dumps(values)), **arrays)

    def _assign(self, arrays: list[np.ndarray]) -> None:
        for variable, array in zip(self._variables(), arrays, strict=True):
            variable.assign(array)

    def _variables(self) -> list[Any]:
        return [*self._model.variables, *self._model.optimizer.variables]

    def _read(self) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
        try:
            with self._path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                values = json.loads(str(file["values"]))
                kinds = {
                    kind: [name for name in file.files if name.startswith(kind)]
                    for kind in ("variables", "best")
                }
                return values, {
                    kind: [file[f"{kind}_{i}"] for i in range(len(names))] for kind, names in kinds.items()
                }
        except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{self._path} is damaged, or not a checkpoint: {error}") from error


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
