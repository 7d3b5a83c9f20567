"""The state of a training in one file, so that a training that was killed can go on."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn._files import written_whole
from mlstm_fcn.training.best_epoch import BestEpoch


class Checkpoint:
    """All that training changes: weights, optimizer, order of cases, history, best epoch.

    The file is NumPy's `.npz`, without pickle, and is replaced in one step.

    Args:
        path: The file.
        model: A compiled model whose optimizer is built.
        rng: The generator of the order of cases.
        history: The figures of each epoch so far.
        best: The best epoch so far.
        of: What identifies the training; a file of another one is refused.
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
        """Take up the state of the file, if there is one.

        Callbacks live through the epochs that are over once more, with the latest weights; one that keeps
        the weights of an earlier epoch (`patience` does without it) does not get those back.

        Returns:
            The number of epochs that are over.

        Raises:
            ValueError: If the file is damaged, or of another training.
        """
        if not self._path.exists():
            return 0
        values, arrays = self._read()
        variables = self._variables()
        fits = [list(array.shape) for array in arrays["variables"]] == [list(v.shape) for v in variables]
        rule = f"{self._path} is of a training with other data, settings or network; delete it to start anew."
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
        arrays: dict[str, Any] = {f"variables_{i}": np.asarray(v) for i, v in enumerate(self._variables())}
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
            with np.load(self._path, allow_pickle=False) as file:
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
