"""Fitted estimators as files: saved, exported, described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlstm_fcn._case_order import by_position
from mlstm_fcn._checks import require
from mlstm_fcn._files import damage_of
from mlstm_fcn.estimators.contract import Contract
from mlstm_fcn.persistence import SUFFIXES, checked_path

if TYPE_CHECKING:
    import keras

    from mlstm_fcn.fitting import FittedNetwork


class Saving(Contract):
    """An estimator that can be saved to one file without pickle, and loaded from it."""

    model_: keras.Model = property(lambda self: self.fitted_.keras_model)
    history_: dict[str, list[float]] = property(lambda self: self.fitted_.history)  # type: ignore[assignment]
    n_epochs_: int = property(lambda self: len(self.fitted_.history.get("loss", ())))  # type: ignore[assignment]
    network_options_: dict[str, Any] = property(lambda self: self.fitted_.options)  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}, or not before `fit`.")

    def save(self, path: Path | str | None = None, serialization_format: str = "pickle") -> Any:
        """Save a fitted estimator.

        Args:
            path: A name that ends in `.keras` or `.mlstm`: one file without pickle, which is also a plain
                Keras model; `load` reads it. Objects (optimizer, loss, callbacks, random generator, function)
                and the path of a checkpoint are not kept; a warning says what will be missing.
                Without an ending, or None: sktime's way, which pickles.
            serialization_format: For sktime's way.

        Raises:
            NotFittedError: If the estimator is not fitted.
            ValueError: If fit saw one class only, labels are bytes or dates, or the ending is another.
        """
        suffix = "" if path is None else Path(path).suffix
        rule = f"The name must end in {' or '.join(SUFFIXES)}, or have no ending for sktime's way."
        require(suffix in ("", *SUFFIXES), rule, path=str(path))
        if path is None or not suffix:
            return super().save(path, serialization_format)
        from mlstm_fcn.fitting import archive

        fitted, parameters = self._require_network("save"), self.get_params(deep=False)
        about = {"estimator": type(self).__name__, "parameters": archive.plain_parameters(parameters)}
        archive.save(fitted, path, about)
        archive.warn_of_lost(parameters)
        return None

    @classmethod
    def load(cls, path: Path | str, network: Any = None) -> Any:
        """Load a fitted estimator that `save` wrote to a `.keras` or `.mlstm` file; no code in it is run.

        `network` is the function of a network of your own. Without it, the loaded model predicts and trains
        further on series of the same length. A missing file is a FileNotFoundError; one that is damaged, or
        holds another kind, a ValueError.
        """
        from mlstm_fcn.fitting import archive

        fitted, about = archive.load(path, network)
        kinds = {kind.__name__: kind for kind in _kinds(cls)}
        name = str(about.get("estimator"))
        require(name in kinds, f"{path} must hold one of {', '.join(sorted(kinds))}.", estimator=name)
        with damage_of(path):
            estimator: Any = kinds[name](**archive.parameters_from_plain(about["parameters"], fitted.spec))
        estimator._adopt(fitted)
        estimator._is_fitted = True
        return estimator

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
        with NaN where nothing was measured; probabilities out. `mlstm_fcn.export.export_fitted` describes
        arguments and errors. `format="keras"`, or a name that ends in `.keras`, is `save`.
        """
        from mlstm_fcn.export import export_fitted

        fitted = self._require_network("export")
        options: Any = {"any_length": any_length, "length": length, "data": data, "metrics": metrics}
        if format == "keras" or (format is None and Path(path).suffix in SUFFIXES):
            rule = "A .keras file is what `save` writes: leave these options out."
            require(not any(options.values()), rule, **{n: v for n, v in options.items() if v})
            self.save(path := checked_path(path))
            return path
        series = None if X is None else self._check_convert_X_for_predict(X)
        return export_fitted(
            fitted, path, format, X=series, about={"estimator": type(self).__name__}, **options
        )

    def model_card(self, X: Any = None, y: Any = None, *, data: str = "") -> str:
        """A model card in Markdown, with figures on X and y; `data` names the training data."""
        from mlstm_fcn.fitting.card import model_card

        fitted, y = self._require_network("model_card"), by_position(X, y)
        series = None if X is None else self._check_convert_X_for_predict(X)
        about = {"made_by": " ".join(repr(self).split()), "recipe": self.training_recipe()}
        return model_card(fitted, series, y, data=data, random_state=self.random_state, **about)

    def _require_network(self, method_name: str) -> FittedNetwork:
        self.check_is_fitted(method_name)
        rule = f"`{method_name}` requires a network: fit saw one class only, or several columns of y."
        require(hasattr(self, "fitted_"), rule)
        fitted: FittedNetwork = self.fitted_
        return fitted.reading(self.input_policy(), self.network_spec())  # both may be set after fit


def _kinds(cls: type[Saving]) -> Iterator[type[Saving]]:
    yield cls
    for kind in cls.__subclasses__():
        yield from _kinds(kind)
