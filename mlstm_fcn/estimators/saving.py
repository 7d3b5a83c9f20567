"""Fitted estimators as files."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.estimators.contract import Contract
from mlstm_fcn.estimators.parameters import network_parameters
from mlstm_fcn.persistence import SUFFIXES, read_archive, write_archive

if TYPE_CHECKING:
    import keras

_TRAIN_WITH = ("loss", "optimizer", "callbacks")


class Saving(Contract):
    """An estimator that can be saved to one file without pickle, and loaded from it."""

    def save(self, path: Path | str | None = None, serialization_format: str = "pickle") -> Any:
        """Save a fitted estimator.

        Args:
            path: A name that ends in `.keras` or `.mlstm`: one file without pickle, which is also a plain
                Keras model; `load` reads it. Parameters that are objects (an optimizer, a loss, callbacks, a
                random generator, a function) become None, for they have done their work; a warning names
                those that more training would need. With a name without an ending, or None, sktime's way,
                which pickles.
            serialization_format: For sktime's way.

        Returns:
            None, or what sktime's way returns.

        Raises:
            NotFittedError: If the estimator is not fitted.
            ValueError: If it has no network because fit saw one class only, labels are bytes or dates, or the
                name has another ending.
        """
        suffix = "" if path is None else Path(path).suffix
        rule = f"The name must end in {' or '.join(SUFFIXES)}, or have no ending for sktime's way."
        require(suffix in ("", *SUFFIXES), rule, path=str(path))
        if path is None or not suffix:
            return super().save(path, serialization_format)
        self._require_network("save")
        values = self._fitted_values()
        write_archive(path, self.model_, {"estimator": type(self).__name__, **values})
        _warn_of_objects({name: getattr(self, name) for name in _TRAIN_WITH}, values["parameters"])
        return None

    def export(
        self,
        path: Path | str,
        format: str | None = None,
        *,
        X: Any = None,
        any_length: bool = False,
        length: int | None = None,
        data: str = "",
        metrics: Mapping[str, float] | None = None,
    ) -> Path:
        """Write the fitted model for another runtime, run it there, and compare before it is kept.

        Scaling, missing values and softmax are part of it: raw series in, `(batch, time, channels)`, float32
        with NaN where nothing was measured; probabilities out. `<name>.json` beside it has the labels in
        their order, channels, length, versions, what is known of data and metrics, and check sums.

        Args:
            path: Where to. What an export has written there is replaced; anything else there is an error.
            format: `"savedmodel"`, `"onnx"`, `"onnx-int8"`, `"litert"`, `"litert-float16"`, `"litert-int8"`
                or `"openvino"`; `"keras"` is `save`. None: by the ending, `.onnx`, `.tflite`, `.xml`,
                `.keras`, `.mlstm`, or none for SavedModel. `mlstm_fcn.export.FORMATS` has the bounds within
                which each must agree.
            X: Series to compare on, at best held back from training, of which up to 256 are taken at even
                distances. The int8 formats need at least 10: every second one is compared, the others show
                the ranges of values. None for random ones.
            any_length: Whether series may end early (NaN), though no training series did. Where one did,
                they always may.
            length: Steps to fix, where the network reads any number of them; formats without loops may
                need it.
            data: Name of the training data.
            metrics: Figures to note, by name; finite numbers.

        Returns:
            The path.

        Raises:
            NotFittedError: If the estimator is not fitted.
            ValueError: If the format cannot hold the model or differs too much, and why.
            ImportError: If what the format needs is not installed.
        """
        from mlstm_fcn.estimators.exporting import export_estimator

        self._require_network("export")
        figures = {name: float(value) for name, value in (metrics or {}).items()}
        require(all(map(math.isfinite, figures.values())), "`metrics` must be finite numbers.", **figures)
        about = {"data": data, "metrics": figures}
        return export_estimator(self, Path(path), format, X, any_length, length, about)

    def model_card(self, X: Any = None, y: Any = None, *, data: str = "") -> str:
        """What one should know before one uses the fitted model, as Markdown.

        Args:
            X: Series to test on, not those of fit; None for no figures of accuracy.
            y: Their targets.
            data: Name of the training data.

        Raises:
            NotFittedError: If the estimator is not fitted.
        """
        from mlstm_fcn.estimators.card import model_card

        self._require_network("model_card")
        return model_card(self, X, y, data)

    @classmethod
    def load(cls, path: Path | str) -> Any:
        """Load a fitted estimator that `save` wrote to a `.keras` or `.mlstm` file; no code in it is run.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is damaged, or holds another kind of estimator.
        """
        model, about = read_archive(path)
        kinds = {kind.__name__: kind for kind in _kinds(cls)}
        name = str(about.get("estimator"))
        require(name in kinds, f"{path} must hold one of {', '.join(sorted(kinds))}.", estimator=name)
        try:
            estimator = kinds[name](
                **{name: _from_json(value) for name, value in about["parameters"].items()}
            )
            estimator._set_fitted_values(model, about)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is damaged: {error!r}") from error
        return estimator

    def _require_network(self, method_name: str) -> None:
        self.check_is_fitted(method_name)
        rule = f"There is no network for {method_name}: fit saw one class only, or several columns of y."
        require(hasattr(self, "model_"), rule)

    def _fitted_values(self) -> dict[str, Any]:
        """What the network does not hold, as plain values."""
        parameters = {name: _to_json(value) for name, value in self.get_params(deep=False).items()}
        options = _to_json(self.network_options_)
        training = {"history": self.history_, "n_epochs_in_all": self._n_epochs_in_all}
        return {"parameters": parameters, "network_options": options, **training}

    def _set_fitted_values(self, model: keras.Model, values: dict[str, Any]) -> None:
        """The reverse of `_fitted_values`; the estimator is fitted then."""
        self.model_, self.history_ = model, values["history"]
        self.network_options_ = _from_json(values["network_options"])
        self._network_at_fit = network_parameters(self)
        self.n_epochs_ = len(self.history_["loss"])
        self._n_epochs_in_all = values.get("n_epochs_in_all", self.n_epochs_)
        self._y_metadata = {"is_univariate": True}  # what sktime notes in fit and asks in predict
        self._is_fitted = True


def require_plain(labels: np.ndarray) -> None:
    """Raise unless a file without pickle can hold labels."""
    rule = "Labels must be numbers or strings to be written to a file without pickle."
    require(labels.dtype.kind in "biufUO", rule, labels=labels[:3].tolist())


def _kinds(cls: type[Saving]) -> Iterator[type[Saving]]:
    yield cls
    for kind in cls.__subclasses__():
        yield from _kinds(kind)


def _warn_of_objects(parameters: dict[str, Any], saved: dict[str, Any]) -> None:
    lost = [name for name, value in parameters.items() if value is not None and saved[name] is None]
    if lost:
        rule = f"The file does not keep objects: {', '.join(lost)}."
        warnings.warn(f"{rule} Set them on what `load` returns before you train it.", stacklevel=3)


def _to_json(value: Any) -> Any:
    """Numbers, strings, and sequences and dictionaries of them in JSON's terms; anything else is None.

    So is a sequence that holds anything else: callbacks would be as many times None.
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        items = [_to_json(item) for item in value]
        lost = any(new is None and item is not None for new, item in zip(items, value, strict=True))
        return None if lost else items
    if isinstance(value, Mapping):
        return {"items": [[_to_json(key), _to_json(item)] for key, item in value.items()]}
    return value if isinstance(value, str | int | float | None) else None


def _from_json(value: Any) -> Any:
    """The reverse; sequences come back as tuples."""
    if isinstance(value, list):
        return tuple(_from_json(item) for item in value)
    if isinstance(value, dict):
        return {_from_json(key): _from_json(item) for key, item in value["items"]}
    return value
